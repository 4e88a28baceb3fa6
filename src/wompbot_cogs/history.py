"""Fetching what was said while nobody listened."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

import discord

from wompbot_cogs.flow import MessageFlow
from wompcore.events import Gap
from wompcore.ids import MAX_ID, snowflake_at
from wompcore.ingest import MessageStore
from wompcore.repos.messages import MessageRepository

_log = logging.getLogger(__name__)

Channel = discord.TextChannel | discord.Thread

_PER_CHANNEL = 5_000
_AT_ONCE = 4
_CLOCKS_APART = timedelta(minutes=2)  # ids carry Discord's time, not ours; fetching twice stores once


class HistoryFiller:
    """Fills gaps of channels from Discord's history.

    Args:
        messages: Knows what is stored, and the gaps.
        store: Takes what is found.
        flow: Reads Discord's messages, and knows which channels are excluded.
    """

    def __init__(self, messages: MessageRepository, store: MessageStore, flow: MessageFlow) -> None:
        self._messages = messages
        self._store = store
        self._flow = flow

    async def fill(self, client: discord.Client, began_at: datetime) -> int:
        """Fetch every gap, and what was said between a channel's last stored message and this session.

        A channel nothing is stored of is left alone: its history was never the bot's to read. So is all
        history when Discord withholds what it says. Gaps are noted before they are fetched, so that they
        outlive a process that ends meanwhile.

        Args:
            client: Knows the channels.
            began_at: When the session began; what came after is stored already.

        Returns:
            The number of messages fetched.
        """
        channels = self._readable(client) if self._flow.sees_content else {}
        if not channels:
            return 0
        await self._store.flush()
        before_id = snowflake_at(began_at - _CLOCKS_APART)
        last = await self._messages.last_ids(list(channels), before_id=before_id)
        await self._messages.note_gaps(
            Gap(channel_id, after_id)
            for channel_id, after_id in last.items()
            if after_id is not None and (channels[channel_id].last_message_id or MAX_ID) > after_id
        )
        gaps = [gap for gap in await self._messages.gaps() if gap.channel_id in channels]
        places = asyncio.Semaphore(_AT_ONCE)

        async def fetch(gap: Gap) -> int:
            async with places:
                return await self._fetch(channels[gap.channel_id], gap)

        return sum(await asyncio.gather(*(fetch(gap) for gap in gaps)))

    def _readable(self, client: discord.Client) -> dict[int, Channel]:
        channels: list[Channel] = []
        for guild in client.guilds:
            channels += [*guild.text_channels, *guild.threads]
        return {
            channel.id: channel
            for channel in channels
            if not self._flow.excludes(channel)
            and channel.permissions_for(channel.guild.me).read_message_history
        }

    async def _fetch(self, channel: Channel, gap: Gap) -> int:
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
        if fetched == _PER_CHANNEL:  # first the rest, so that a crash between forgets nothing
            await self._messages.note_gaps([Gap(channel.id, last_id, gap.before_id)])
        await self._messages.close_gap(gap)
        return fetched
