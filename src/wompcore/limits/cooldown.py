"""How often something may happen per key."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, date, datetime

from wompcore.errors import CoolingDown

_DAYS_KEPT = 8


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


class DailyCap:
    """At most so many events per key and UTC day.

    Args:
        cap: Events per key and day.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._days: dict[date, dict[int, int]] = {}

    def ready(self, key: int, at: datetime) -> bool:
        """Count one event of ``key`` if its day has room.

        Args:
            key: Whom or what to count.
            at: The event's time, aware.

        Returns:
            Whether there was room.
        """
        day = at.astimezone(UTC).date()
        counts = self._days.setdefault(day, {})
        if len(self._days) > _DAYS_KEPT:
            del self._days[next(iter(self._days))]
        if counts.get(key, 0) >= self._cap:
            return False
        counts[key] = counts.get(key, 0) + 1
        return True

    def used(self, key: int, at: datetime) -> int:
        """Return how many events of ``key`` were counted on the UTC day of ``at``."""
        return self._days.get(at.astimezone(UTC).date(), {}).get(key, 0)
