"""How often something may happen per key."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from wompcore.errors import CoolingDown


class Cooldown:
    """At most one event per key within a span of time.

    Memory is bounded: what has expired is dropped, then the oldest.

    Args:
        seconds: Length of the span; 0 switches it off.
        max_keys: Keys remembered at most.
    """

    def __init__(self, seconds: float, max_keys: int = 100_000) -> None:
        self._seconds = seconds
        self._max_keys = max_keys
        self._last: OrderedDict[int, datetime] = OrderedDict()  # the oldest first

    def ready(self, key: int, at: datetime) -> bool:
        """Take the key's place if it is free.

        Args:
            key: Whom or what to hold back.
            at: The event's time, aware. Times may come out of order: what counts is the distance.

        Returns:
            Whether the place was free.
        """
        if self.remaining_s(key, at) > 0:
            return False
        self._last[key] = at
        self._last.move_to_end(key)
        self._forget(at)
        return True

    def check(self, key: int, at: datetime) -> None:
        """Take the key's place like :meth:`ready`.

        Raises:
            CoolingDown: The place is not free; carries the seconds until it is.
        """
        remaining_s = self.remaining_s(key, at)
        if not self.ready(key, at):
            raise CoolingDown(retry_after_s=remaining_s)

    def remaining_s(self, key: int, at: datetime) -> float:
        """Return the seconds until the key's place is free; 0 when it is."""
        last = self._last.get(key)
        return max(0.0, self._seconds - abs((at - last).total_seconds())) if last else 0.0

    def _forget(self, at: datetime) -> None:
        while self._last:
            key, last = next(iter(self._last.items()))
            if len(self._last) <= self._max_keys and (at - last).total_seconds() < self._seconds:
                return
            del self._last[key]
