"""Ids that stand in a table, known in every process: a look-up in memory in place of a statement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Self

from wompcore.db.listener import Listener
from wompcore.ids import SnowflakeSet

KNOWN_AT_MOST: Final = 1_000_000
"""Ids that a process keeps in mind: the newest."""


class KnownIds(SnowflakeSet):
    """The ids of a table. Made by :meth:`follow`.

    An id that is no longer in the table may stay until the process ends: who acts on it finds no row.
    """

    __slots__ = ("_load", "_meanwhile")

    def __init__(self, load: Callable[[int], Awaitable[bytes]], limit: int) -> None:
        super().__init__(limit)
        self._load = load
        self._meanwhile: list[int] | None = None

    @classmethod
    async def follow(
        cls,
        listener: Listener,
        channel: str,
        load: Callable[[int], Awaitable[bytes]],
        *,
        limit: int = KNOWN_AT_MOST,
    ) -> Self:
        """Know all ids from now on, whoever adds them.

        Args:
            listener: Brings what other processes tell.
            channel: The NOTIFY channel on which a statement that adds an id tells it.
            load: Returns the newest ids, at most so many, packed as
                :meth:`wompcore.ids.SnowflakeSet.unpack` takes them.
            limit: Ids at most.
        """
        known = cls(load, limit)
        listener.on(channel, lambda payload: known.add(int(payload)))
        listener.on_reconnect(known._reload)
        await listener.listening()  # first listen, then read: no id falls between
        await known._reload()
        return known

    def add(self, id_: int) -> None:
        """Know an id at once, before word of it comes back."""
        super().add(id_)
        if self._meanwhile is not None:
            self._meanwhile.append(id_)

    async def _reload(self) -> None:
        meanwhile: list[int] = []  # what is added from the moment on that the statement looks
        self._meanwhile = meanwhile
        try:
            packed = await self._load(self._limit)
            self.take_over(await asyncio.to_thread(SnowflakeSet.unpack, packed, self._limit))
        finally:
            self._meanwhile = None
        self.update(meanwhile)
