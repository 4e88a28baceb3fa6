"""Edits and deletions of messages that are followed, kept one after the other in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

from wompcore.claims.checker import when_up
from wompcore.events import MessageEdited

Change: TypeAlias = MessageEdited | int
"""An edit, or the id of a message that was deleted."""

_WAITING: Final = 10_000

_log = logging.getLogger(__name__)


class Changes:
    """A bounded queue of changes.

    Args:
        what: What the messages carry, for the log.
        keep: Keeps one change; tried again while the database is away.
    """

    def __init__(self, what: str, keep: Callable[[Change], Awaitable[None]]) -> None:
        self._what = what
        self._keep = keep
        self._queue: asyncio.Queue[Change] = asyncio.Queue(_WAITING)

    def put(self, change: Change) -> None:
        """Take a change in, without waiting."""
        try:
            self._queue.put_nowait(change)
        except asyncio.QueueFull:
            _log.warning("a change of a %s is lost: too many are waiting", self._what)

    async def settled(self) -> None:
        """Wait until every change is kept."""
        await self._queue.join()

    async def work(self) -> None:
        """Keep changes, for ever."""
        while True:
            change = await self._queue.get()
            try:
                await when_up(partial(self._keep, change))
            except Exception:
                _log.exception("a change of a %s could not be kept", self._what)
            finally:
                self._queue.task_done()
