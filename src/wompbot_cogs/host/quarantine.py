"""When a plugin fails too often it is taken out, and tried again after a pause."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from wompcore.clock import Clock

_log = logging.getLogger(__name__)

_REASON_CHARS = 300


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much a plugin may fail.

    Args:
        errors: So many within the window, and it is taken out.
        window_s: Seconds of the window; a plugin that is tried again must last so long without an error.
        pause_s: Seconds until it is first tried again; doubled each time it fails again.
        most_pause_s: Seconds at most.
    """

    errors: int = 10
    window_s: float = 60.0
    pause_s: float = 60.0
    most_pause_s: float = 86_400.0

    def pause_after(self, trips: int) -> float:
        """Return the seconds until the next trial, after being taken out so many times in a row."""
        return min(self.most_pause_s, self.pause_s * 2.0 ** min(trips - 1, 30))


class Faults:
    """Counts the errors of one version of a plugin.

    Args:
        plugin: The plugin's id.
        tolerance: How many are too many.
        clock: Tells when.
        tripped: Called once, with the reason, when there were too many.
        on_trial: Whether the first error is one too many.
    """

    def __init__(
        self,
        plugin: str,
        tolerance: Tolerance,
        clock: Clock,
        tripped: Callable[[str], None],
        *,
        on_trial: bool = False,
    ) -> None:
        self._plugin = plugin
        self._tolerance = tolerance
        self._clock = clock
        self._tripped = tripped
        self._allowed = 1 if on_trial else tolerance.errors
        self._recent: deque[float] = deque(maxlen=self._allowed)
        self.count = 0
        self.too_many = False

    def note(self, error: BaseException) -> None:
        """Count an error, and log it unless there were too many."""
        self.count += 1
        if self.too_many:
            return
        _log.error("plugin %s failed", self._plugin, exc_info=error)
        now = self._clock.monotonic()
        self._recent.append(now)
        if len(self._recent) == self._allowed and now - self._recent[0] <= self._tolerance.window_s:
            self.too_many = True
            number = "an error on trial" if self._allowed == 1 else f"{self._allowed} errors in a short time"
            self._tripped(f"{number}, the last one {one_line(error)}")

    def end_trial(self) -> None:
        """Allow as many errors as ever."""
        self._allowed = self._tolerance.errors
        self._recent = deque(self._recent, maxlen=self._allowed)


def one_line(error: BaseException) -> str:
    """Return what an error says, short enough for a list."""
    if isinstance(error, SyntaxError):
        return f"syntax error in {error.filename}, line {error.lineno}: {error.msg}"
    if isinstance(error, TimeoutError):
        return "preparing timed out"
    first_line = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first_line}"[:_REASON_CHARS]
