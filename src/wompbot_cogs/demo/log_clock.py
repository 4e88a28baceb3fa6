"""The clock of a replay."""

from __future__ import annotations

from datetime import datetime

from wompcore.clock import SteppedClock, SystemClock


class LogClock:
    """The system's time until a log begins, then the log's."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._log: SteppedClock | None = None
        self._began_at_s = 0.0

    def now(self) -> datetime:
        """Return the aware UTC time."""
        return self._system.now() if self._log is None else self._log.now()

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return self._system.monotonic() if self._log is None else self._began_at_s + self._log.monotonic()

    def advance_to(self, at: datetime) -> None:
        """Move to a moment of the log; the first one begins it, an earlier one later is ignored."""
        if self._log is None:
            self._began_at_s, self._log = self._system.monotonic(), SteppedClock(at)
        else:
            self._log.advance_to(at)
