"""The limits of a process, as its settings ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from wompcore.config import LimitSettings
from wompcore.limits.cooldown import Cooldown
from wompcore.limits.slots import ChannelSlots, PersonSlots
from wompcore.money import Usd


@dataclass(frozen=True, slots=True)
class Limits:
    """Who may ask how often.

    Args:
        channel: Replies in progress per channel; others wait their turn.
        person: Replies in progress per person; others are refused.
        cooldown: Seconds between requests per person.
        reply_cost: Dollars that a reply's use of tools may cost.
        request_chars: Length of a request; the rest is not read.
    """

    channel: ChannelSlots
    person: PersonSlots
    cooldown: Cooldown
    reply_cost: Usd
    request_chars: int

    @classmethod
    def of(cls, settings: LimitSettings) -> Limits:
        """Make the limits that the settings ask for."""
        return cls(
            ChannelSlots(settings.channel_slots, settings.channel_queue, settings.channel_wait_s),
            PersonSlots(settings.person_slots),
            Cooldown(settings.person_cooldown_s),
            settings.reply_cost,
            settings.max_input_chars,
        )
