"""The library, opened as one: every service in order, closed in reverse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from wompcore.claims import ClaimWatcher
from wompcore.clock import Clock, SystemClock
from wompcore.config import CoreSettings, LimitSettings
from wompcore.consent import Gate
from wompcore.costs import Ledger, PriceBook
from wompcore.db import Database, Listener, migrate, migrations_in
from wompcore.http import HttpSessions
from wompcore.ids import EntryIds
from wompcore.ingest import MessageStore
from wompcore.jobs import Jobs, Outbox, jobs_migrations
from wompcore.limits import ChannelSlots, Cooldown, PersonSlots
from wompcore.llm import ChatClient, openai_style
from wompcore.repos import consents
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.costs import CostRepository
from wompcore.repos.guilds import GuildRepository
from wompcore.repos.messages import MessageRepository
from wompcore.repos.plugins import PluginRepository
from wompcore.repos.reply_context import ReplyContexts

_INSTANCE = "SELECT nextval('instance_numbers')"


@dataclass(frozen=True, slots=True)
class Limits:
    """Who may ask how often.

    Args:
        channel: Replies in progress per channel; others wait their turn.
        person: Replies in progress per person; others are refused.
        cooldown: Seconds between requests per person.
    """

    channel: ChannelSlots
    person: PersonSlots
    cooldown: Cooldown

    @classmethod
    def of(cls, settings: LimitSettings) -> Limits:
        """Make the limits that the settings ask for."""
        return cls(
            ChannelSlots(settings.channel_slots, settings.channel_queue, settings.channel_wait_s),
            PersonSlots(settings.person_slots),
            Cooldown(settings.person_cooldown_s),
        )
