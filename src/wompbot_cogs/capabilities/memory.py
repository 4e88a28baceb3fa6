"""What was said, as a plugin may read it."""

from __future__ import annotations

from wompbot_cogs.guilds import Guilds
from wompcore.memory import Memory, Remembered


class PluginMemory:
    """Stored messages, without those of excluded channels.

    Args:
        memory: Finds what was said.
        guilds: Which channels are excluded.
    """

    def __init__(self, memory: Memory, guilds: Guilds) -> None:
        self._memory = memory
        self._guilds = guilds

    async def recent(self, channel_id: int, limit: int = 20) -> list[Remembered]:
        """Return a channel's newest messages; see :meth:`wompcore.memory.Memory.recent`."""
        return self._shown(await self._memory.recent(channel_id, limit))

    async def search(self, words: str, *, guild_id: int, limit: int = 20) -> list[Remembered]:
        """Return messages with some words; see :meth:`wompcore.memory.Memory.search`."""
        return self._shown(await self._memory.search(words, guild_id=guild_id, limit=limit))

    def _shown(self, found: list[Remembered]) -> list[Remembered]:
        return [message for message in found if not self._guilds.excludes(message.channel_id)]
