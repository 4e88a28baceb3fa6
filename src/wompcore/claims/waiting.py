"""Checks that wait for their turn: the best first, a server's together, never too many."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wompcore.claims.check import Check


class WaitingChecks:
    """A bounded queue by score.

    Args:
        limit: Checks that may wait.
        batch: Checks that are taken together at most.
        gather_s: Seconds to wait for more of them once one is there. Nobody waits for a check, so
            that a moment costs nothing, and the best of what is said meanwhile comes first.
    """

    def __init__(self, limit: int, batch: int, gather_s: float) -> None:
        self._limit = limit
        self._batch = batch
        self._gather_s = gather_s
        self._waiting: list[Check] = []
        self._unfinished = 0
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, check: Check) -> Check | None:
        """Add a check; return the one that has no place any more, if there is one: the worst."""
        self._waiting.append(check)
        self._unfinished += 1
        self._some.set()
        self._idle.clear()
        if len(self._waiting) <= self._limit:
            return None
        worst = min(reversed(self._waiting), key=lambda each: each.score)
        self._waiting.remove(worst)
        self.done(1)
        return worst

    async def take(self) -> list[Check]:
        """Wait for checks; return the best, and the best others of its guild. Each has to be :meth:`done`."""
        while True:
            await self._some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._gather_s):
                    await self._hurry.wait()
            if self._waiting:  # nobody else took them meanwhile
                return self._take()

    def done(self, count: int) -> None:
        """Say that so many checks came to their end."""
        self._unfinished -= count
        if not self._unfinished:
            self._idle.set()
            self._hurry.clear()

    def give_up(self) -> list[Check]:
        """Return everything that waits, and let go of it."""
        given_up, self._waiting = self._waiting, []
        self._some.clear()
        self.done(len(given_up))
        return given_up

    async def settled(self) -> None:
        """Wait until every check came to its end, without gathering any longer."""
        while self._unfinished:
            self._hurry.set()
            await self._idle.wait()

    def _take(self) -> list[Check]:
        self._waiting.sort(key=lambda each: -each.score)  # stable: of equals the first one said
        guild_id = self._waiting[0].message.guild_id
        taken = [each for each in self._waiting if each.message.guild_id == guild_id][: self._batch]
        self._waiting = [each for each in self._waiting if each not in taken]
        if not self._waiting:
            self._some.clear()
        return taken
