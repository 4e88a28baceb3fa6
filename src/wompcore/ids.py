"""Snowflakes: 64-bit ids that carry their time.

The upper 42 bits hold milliseconds since 2015-01-01 UTC, the lower 22 tell ids of one millisecond
apart. Source: Discord developer documentation, reference, "Snowflakes".
"""

from __future__ import annotations

import sys
import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import combinations

EPOCH_MS = 1_420_070_400_000
"""2015-01-01T00:00:00Z in Unix milliseconds."""

MAX_ID = 2**63 - 1
"""The largest id a PostgreSQL ``bigint`` holds."""

_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_LOW_BITS = 22


def snowflake_at(at: datetime, low: int = 0) -> int:
    """Return the snowflake of a moment.

    Args:
        at: An aware time; moments before 2015 give negative ids, which keep their order.
        low: The lower 22 bits, 0 to 4,194,303.
    """
    ms = (at - _EPOCH) // timedelta(milliseconds=1)
    return (ms << _LOW_BITS) | low


def snowflake_time(snowflake: int) -> datetime:
    """Return the aware UTC time a snowflake carries."""
    return _EPOCH + timedelta(milliseconds=snowflake >> _LOW_BITS)


def month_of(at: datetime) -> datetime:
    """Return the first instant of the UTC month that holds ``at``."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """Return the first instant of the month after the one that starts at ``month``."""
    return month_of(month + timedelta(days=32))


class EntryIds:
    """Ids made from time, ascending within one instance.

    Args:
        instance: 0 to 1023; processes that share a table need different ones. Comes from a
            database sequence, so that ids of up to 1,024 live processes never meet.
    """

    def __init__(self, instance: int) -> None:
        self._instance = (instance % 1024) << 12
        self._last_ms = -1
        self._sequence = 0
        self._lock = threading.Lock()

    def next(self, at: datetime | None = None) -> int:
        """Return a new id.

        Args:
            at: The moment it carries; the system's clock when left out. A clock that runs
                backwards, or over 4,096 ids in one millisecond, moves the id forward in time.
        """
        ms = time.time_ns() // 1_000_000 - EPOCH_MS if at is None else snowflake_at(at) >> _LOW_BITS
        with self._lock:
            if ms > self._last_ms:
                self._last_ms, self._sequence = ms, 0
            else:
                self._sequence += 1
                if self._sequence == 4096:
                    self._last_ms, self._sequence = self._last_ms + 1, 0
            return (self._last_ms << _LOW_BITS) | self._instance | self._sequence


class SnowflakeSet:
    """A set of ids in at most 13 bytes each, of which a few thousand and more are meant.

    The ids are sorted, so a search goes by halves. A table of bytes answers first: each id sets three bits
    of one byte, so where that byte is empty, or lacks one of an id's three, the id is not there; some 1 in
    40 others gets past. New ids mostly carry the newest time, so adding one is an append; any other moves
    what is behind it.

    Args:
        limit: Ids at most; the lowest, which are the oldest, are forgotten first.
        ids: Where to start.
    """

    __slots__ = ("_ids", "_limit", "_marks", "_slots")
    _marks: bytearray
    _slots: int

    def __init__(self, limit: int, ids: Iterable[int] = ()) -> None:
        self._limit = limit
        self._ids = array("q")
        self._mark_all()
        self.update(ids)

    @classmethod
    def unpack(cls, packed: bytes, limit: int) -> SnowflakeSet:
        """Make a set of ids that are packed as 8 bytes each, big-endian, ascending."""
        found = cls(limit)
        found._ids.frombytes(packed)
        if sys.byteorder == "little":
            found._ids.byteswap()
        found._forget()
        found._mark_all()
        return found

    def __contains__(self, id_: int) -> bool:
        marks = self._marks[id_ % self._slots]
        if not marks or _MARKS[id_ % len(_MARKS)] & ~marks:
            return False
        place = bisect_left(self._ids, id_)
        return place < len(self._ids) and self._ids[place] == id_

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes."""
        return sys.getsizeof(self._ids) + sys.getsizeof(self._marks)

    def add(self, id_: int) -> None:
        """Put an id in."""
        if id_ in self:
            return
        self._ids.insert(bisect_left(self._ids, id_), id_)
        self._forget()
        if len(self._ids) * _BYTES_EACH > self._slots:
            self._mark_all()
        else:
            self._mark(id_)

    def update(self, ids: Iterable[int]) -> None:
        """Put many in."""
        for id_ in ids:
            self.add(id_)

    def discard(self, id_: int) -> None:
        """Take an id out, if it is in."""
        if id_ in self:
            del self._ids[bisect_left(self._ids, id_)]  # its marks stay: others may share them

    def take_over(self, other: SnowflakeSet) -> None:
        """Hold what another set holds, which must not be used any more."""
        self._ids, self._marks, self._slots = other._ids, other._marks, other._slots

    def _forget(self) -> None:
        del self._ids[: max(0, len(self._ids) - self._limit)]

    def _mark_all(self) -> None:
        """Make the table anew, with room for as many ids again."""
        # One less than a power of two: an id's time and its low bits both count.
        self._slots = (1 << max(7, (len(self._ids) * _BYTES_EACH).bit_length())) - 1
        self._marks = bytearray(self._slots)
        for id_ in self._ids:
            self._mark(id_)

    def _mark(self, id_: int) -> None:
        self._marks[id_ % self._slots] |= _MARKS[id_ % len(_MARKS)]


_BYTES_EACH = 2  # at least, and twice as many at most
# Which bits an id sets. A prime number of choices, so that they say something that the slot does not.
_MARKS = tuple(sum(1 << bit for bit in bits) for bits in combinations(range(8), 3))[:53]
