"""A time in which the database does not answer, and who is told of it."""

from __future__ import annotations

import asyncio
import logging
import time

from wompcore.errors import DatabaseError

_log = logging.getLogger(__name__)

_LOOK_S = 0.1


class Outage:
    """Whether writing fails, and since when.

    Args:
        tell_after_s: Seconds until it is an error worth telling; a restart is over before.
    """

    def __init__(self, tell_after_s: float = 5.0) -> None:
        self._tell_after_s = tell_after_s
        self._began_s: float | None = None
        self._told = False

    @property
    def seconds(self) -> float:
        """How long it lasts; 0 while writing works."""
        return 0.0 if self._began_s is None else time.monotonic() - self._began_s

    def goes_on(self, error: DatabaseError) -> None:
        """Note that a try failed."""
        if self._began_s is None:
            self._began_s = time.monotonic()
            _log.warning("messages wait in memory: %s", error)
        elif not self._told and self.seconds >= self._tell_after_s:
            self._told = True
            _log.error("messages still wait for the database after %.0f s: %s", self.seconds, error)

    def is_over(self) -> None:
        """Note that writing works."""
        if self._told:
            _log.warning("the database is back after %.0f s", self.seconds)
        self._began_s, self._told = None, False

    async def lasts(self, seconds: float) -> None:
        """Return once it lasts that long."""
        while self.seconds < seconds:  # noqa: ASYNC110 # what is waited for is that nothing happens
            await asyncio.sleep(_LOOK_S)
