"""Where the time comes from. Everything that asks for the time is handed a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """Return the aware UTC time."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Return the aware UTC time."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)


class SteppedClock:
    """A clock that stands still until it is told the time: a log's clock, or a test's.

    Args:
        at: The aware time it starts at.
    """

    def __init__(self, at: datetime) -> None:
        self._now = at
        self._start = at

    def now(self) -> datetime:
        """Return the aware UTC time it was last told."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds it was moved forward since it was made."""
        return (self._now - self._start).total_seconds()

    def advance(self, seconds: float) -> None:
        """Move forward by some seconds."""
        self.advance_to(self._now + timedelta(seconds=seconds))

    def advance_to(self, at: datetime) -> None:
        """Move forward to ``at``; an earlier time is ignored, as time never runs backwards."""
        if at > self._now:
            self._now = at
