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

    The ids are sorted, so a search goes by halves. Bits that ids share answer first: where an id's bit
    is not set, which is so for 15 of 16 others, it is not there. New ids mostly carry the newest time,
    so adding one is an append; any other moves what is behind it.

    Args:
        limit: Ids at most; the lowest, which are the oldest, are forgotten first.
        ids: Where to start.
    """

    __slots__ = ("_bits", "_ids", "_limit", "_slots")
    _bits: bytearray
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
        slot = id_ % self._slots
        if not self._bits[slot >> 3] >> (slot & 7) & 1:
            return False
        place = bisect_left(self._ids, id_)
        return place < len(self._ids) and self._ids[place] == id_

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def nbytes(self) -> int:
        """Bytes of memory it takes."""
        return sys.getsizeof(self._ids) + sys.getsizeof(self._bits)

    def add(self, id_: int) -> None:
        """Put an id in."""
        if id_ in self:
            return
        self._ids.insert(bisect_left(self._ids, id_), id_)
        self._forget()
        if len(self._ids) * _BITS_EACH > self._slots:
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
            del self._ids[bisect_left(self._ids, id_)]  # its bit stays: others may share it

    def take_over(self, other: SnowflakeSet) -> None:
        """Hold what another set holds, which must not be used any more."""
        self._ids, self._bits, self._slots = other._ids, other._bits, other._slots

    def _forget(self) -> None:
        del self._ids[: max(0, len(self._ids) - self._limit)]

    def _mark_all(self) -> None:
        """Set the bits anew, with room for as many ids again."""
        # One less than a power of two: an id's time and its low bits both count.
        self._slots = (1 << max(10, (len(self._ids) * _BITS_EACH).bit_length())) - 1
        self._bits = bytearray((self._slots >> 3) + 1)
        for id_ in self._ids:
            self._mark(id_)

    def _mark(self, id_: int) -> None:
        slot = id_ % self._slots
        self._bits[slot >> 3] |= 1 << (slot & 7)


_BITS_EACH = 16  # at least, and twice as many at most
