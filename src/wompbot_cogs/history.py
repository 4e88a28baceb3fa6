"""Fetching what was said while nobody listened."""

from __future__ import annotations

import asyncio
import logging

import discord

from wompbot_cogs.flow import MessageFlow
from wompbot_cogs.guilds import Guilds
from wompcore.events import Gap
from wompcore.ingest import MessageStore
from wompcore.repos.messages import MessageRepository

_log = logging.getLogger(__name__)

_PER_CHANNEL = 5_000
_AT_ONCE = 4


class HistoryFiller:
    """Fills gaps of channels from Discord's history.

    Args:
        messages: Knows what is stored, and the gaps.
        store: Takes what is found.
        flow: Reads Discord's messages.
        guilds: Which channels are excluded.
    """

    def __init__(
        self, messages: MessageRepository, store: MessageStore, flow: MessageFlow, guilds: Guilds
    ) -> None:
        self._messages = messages
        self._store = store
        self._flow = flow
        self._guilds = guilds

    async def fill(self, client: discord.Client) -> int:
        """Fetch every gap and everything after the last stored message of each channel.

        A channel nothing is stored of is left alone: its history was never the bot's to read.

        Returns:
            The number of messages fetched.
        """
        channels = {
            channel.id: channel
            for guild in client.guilds
            for channel in (*guild.text_channels, *guild.threads)
            if not self._guilds.excludes(channel.id)
            and channel.permissions_for(guild.me).read_message_history
        }
        if not channels:
            return 0
        await self._store.flush()
        noted = [gap for gap in await self._messages.gaps() if gap.channel_id in channels]
        last = await self._messages.last_ids(list(channels))
        open_ends = [Gap(channel_id, after) for channel_id, after in last.items() if after is not None]
        places = asyncio.Semaphore(_AT_ONCE)

        async def fetch(gap: Gap) -> int:
            async with places:
                return await self._fetch(channels[gap.channel_id], gap)

        return sum(await asyncio.gather(*(fetch(gap) for gap in [*noted, *open_ends])))

    async def _fetch(self, channel: discord.TextChannel | discord.Thread, gap: Gap) -> int:
        before = None if gap.before_id is None else discord.Object(gap.before_id)
        fetched, last_id = 0, gap.after_id
        try:
            async for message in channel.history(
                limit=_PER_CHANNEL, after=discord.Object(gap.after_id), before=before, oldest_first=True
            ):
                await self._store.room()
                if message.author.id != self._flow.own_id:
                    self._store.add(self._flow.read(message))
                fetched, last_id = fetched + 1, message.id
        except discord.HTTPException as error:
            _log.warning("history of channel %d cannot be read: %s", channel.id, error)
            return fetched
        await self._store.flush()
        if gap.before_id is not None:
            await self._messages.close_gap(gap)
        if fetched == _PER_CHANNEL:
            await self._messages.note_gaps([Gap(channel.id, last_id, gap.before_id)])
        return fetched
