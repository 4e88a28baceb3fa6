"""Who and what ids stand for, as far as the asker may know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import discord
from discord.abc import GuildChannel
from discord.ext import commands
from discord.utils import escape_markdown, escape_mentions

from wompcore.consent import Gate
from wompcore.text import clean_name

OPTED_OUT = "someone who opted out"
HIDDEN_CHANNEL = "a channel you cannot see"

_WAIT_S = 2.0
_MOST = 100  # as many as Discord takes at once


def plain(name: str) -> str:
    """Return a name as one line that formats nothing and calls nobody."""
    return escape_mentions(escape_markdown(clean_name(name)))


class Names:
    """Names people, channels and servers: in messages by mention where there is one, in pictures by word.

    Args:
        context: Who asks, and where.
        consent: Tells who is not named.
        owner: Whether the asker may see every channel.
    """

    def __init__(self, context: commands.Context[Any], consent: Gate, *, owner: bool) -> None:
        self._bot: commands.Bot = context.bot
        self._guild = context.guild
        self._asker = context.author
        self._consent = consent
        self._owner = owner
        self._learned: dict[int, str] = {}

    async def learn(self, person_ids: Iterable[str]) -> None:
        """Ask Discord for the names of members; one that it does not tell stays an id."""
        unknown = [int(key) for key in person_ids if not self._known("person", key)]
        unknown = [person for person in unknown if not self._consent.refuses(person)]
        if self._guild is None or not unknown:
            return
        with suppress(TimeoutError, discord.DiscordException):
            async with asyncio.timeout(_WAIT_S):
                members = await self._guild.query_members(user_ids=unknown[:_MOST], limit=_MOST)
                self._learned = {member.id: member.display_name for member in members}

    def shown(self, kind: str, key: str) -> str:
        """Return what a message shows.

        Args:
            kind: What it is: ``person``, ``channel``, ``guild``, or anything whose key is its name.
            key: Its id or name.
        """
        if kind == "person":
            return OPTED_OUT if self._consent.refuses(int(key)) else f"<@{key}>"
        if kind == "channel" and self._guild and self._guild.get_channel_or_thread(int(key)):
            return f"<#{key}>" if self._visible(int(key)) else HIDDEN_CHANNEL
        return plain(self.drawn(kind, key)) if self._known(kind, key) else f"`{key}`"

    def drawn(self, kind: str, key: str) -> str:
        """Return what a picture shows; arguments as for :meth:`shown`."""
        if kind == "person" and self._consent.refuses(int(key)):
            return OPTED_OUT
        if kind == "channel" and not self._visible(int(key)):
            return HIDDEN_CHANNEL
        return self._known(kind, key) or f"{kind} {key}"

    def _known(self, kind: str, key: str) -> str | None:
        if kind == "person":
            member = self._guild.get_member(int(key)) if self._guild else None
            person = member or self._bot.get_user(int(key))
            return person.display_name if person else self._learned.get(int(key))
        if kind == "channel":
            channel = self._channel(int(key))
            return f"#{channel.name}" if channel else None
        if kind == "guild":
            guild = self._bot.get_guild(int(key))
            return guild.name if guild else None
        return key.replace("_", " ") if kind == "purpose" else key

    def _visible(self, channel_id: int) -> bool:
        channel = self._channel(channel_id)
        if self._owner or channel is None:
            return True  # of one that is gone only the id is known
        if not isinstance(self._asker, discord.Member):
            return False
        may = channel.permissions_for(self._asker)
        if isinstance(channel, discord.Thread) and channel.is_private():
            return may.manage_threads  # its members may see it too, but nobody tells us who they are
        return may.view_channel

    def _channel(self, channel_id: int) -> GuildChannel | discord.Thread | None:
        channel = self._bot.get_channel(channel_id)
        return channel if isinstance(channel, GuildChannel | discord.Thread) else None
