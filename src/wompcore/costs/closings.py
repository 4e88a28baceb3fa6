"""Calls that ended, on their way into the database."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import TypeAlias

from wompcore.errors import DatabaseError, RowsRefused
from wompcore.repos.costs_ledger import CostEntry

CLOSE_WITHIN_S = 10.0
"""Seconds that closing waits for the database to take what is still unsaved."""

Closing: TypeAlias = CostEntry | int
"""What a call cost, or the id of a reservation whose call was never made."""

_BATCH = 500
_RETRY_S = (0.1, 2.0)  # first and longest wait between tries

_log = logging.getLogger(__name__)


class Closings:
    """Saves closings in order, all that wait in one statement; keeps them while the database is away.

    Args:
        save: Writes entries and ends reservations.
    """

    def __init__(self, save: Callable[[Sequence[CostEntry], Sequence[int]], Awaitable[None]]) -> None:
        self._save = save
        self._waiting: deque[Closing] = deque()
        self._tried: deque[tuple[int, asyncio.Future[None]]] = deque()  # by the closings that came before
        self._added = self._saved = 0
        self._writer: asyncio.Task[None] | None = None
        self.away = False

    @property
    def unsaved(self) -> int:
        """Closings that are kept until the database is back."""
        return len(self._waiting) if self.away else 0

    async def add(self, closings: Sequence[Closing], within_s: float | None = None) -> None:
        """Save closings; returns when they are, or when they are kept until the database is back.

        Once begun it is finished, even when the caller is cancelled.

        Args:
            closings: What to save.
            within_s: Seconds to wait at most; as long as it takes when left out.
        """
        self.put(closings)
        if not self.away and self._waiting:
            tried: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._tried.append((self._added, tried))
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await tried

    def put(self, closings: Sequence[Closing]) -> None:
        """Save closings some time soon."""
        self._waiting.extend(closings)
        self._added += len(closings)
        if self._waiting and self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Save what waits; what cannot be saved goes to the log."""
        if self._writer is None:
            return
        _, late = await asyncio.wait([self._writer], timeout=CLOSE_WITHIN_S)
        if late:
            self._writer.cancel()
            for closing in self._waiting:
                _log.error("the database did not come back; not recorded: %s", closing)

    async def _write(self) -> None:
        wait_s, longest_s = _RETRY_S
        try:
            while self._waiting:
                batch = list(islice(self._waiting, _BATCH))
                try:
                    await self._save_all(batch)
                except Exception as error:  # whatever it is, what is not saved waits
                    if not self.away:
                        known = isinstance(error, DatabaseError)
                        _log.warning(
                            "costs are kept until the database is back: %s", error, exc_info=not known
                        )
                    self.away = True
                    self._tell(self._added)
                    await asyncio.sleep(wait_s)
                    wait_s = min(2 * wait_s, longest_s)
                else:
                    self.away, (wait_s, _) = False, _RETRY_S
                    for _ in batch:  # closings are only ever appended meanwhile
                        self._waiting.popleft()
                    self._saved += len(batch)
                    self._tell(self._saved)
        finally:
            self._writer = None  # nothing is awaited between the last look and this
            self._tell(self._added)

    def _tell(self, until: int) -> None:
        while self._tried and self._tried[0][0] <= until:
            _, tried = self._tried.popleft()
            if not tried.done():  # its caller may have gone
                tried.set_result(None)

    async def _save_all(self, closings: Sequence[Closing]) -> None:
        entries = [closing for closing in closings if isinstance(closing, CostEntry)]
        released = [closing for closing in closings if isinstance(closing, int)]
        try:
            await self._save(entries, released)
        except RowsRefused as error:
            if len(closings) == 1:
                _log.error("a cost was refused and is not recorded: %s: %s", error.message, closings[0])
                return
            for closing in closings:
                await self._save_all([closing])
