"""The moment at which everything about a call has to be over."""

from __future__ import annotations

from collections.abc import Callable


class Deadline:
    """A moment to come.

    Args:
        within_s: Seconds from now.
        monotonic: Real time.
    """

    __slots__ = ("_at", "_monotonic")

    def __init__(self, within_s: float, monotonic: Callable[[], float]) -> None:
        self._at = monotonic() + within_s
        self._monotonic = monotonic

    def share(self, among: int) -> Deadline:
        """Return the deadline of the first of several, who have the same time each."""
        return self if among == 1 else Deadline(self.left_s() / among, self._monotonic)

    def left_s(self) -> float:
        """Return the seconds until then; negative afterwards."""
        return self._at - self._monotonic()
