"""Ids for what a chat log tells of; docs/decisions/0002 says why they are made this way.

A message of a log without real ids gets a snowflake of its (shifted) time. Its lower 22 bits hold
the log's number, 10 bits, and what tells messages of one millisecond apart, 12 bits.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Protocol

from wompcore.errors import LogLineInvalid, LogSourcesFull
from wompcore.ids import MAX_ID, snowflake_at
from wompcore.ingest.logs import LogFile, LogSurvey
from wompcore.ingest.logs_records import LogRecord

LAST_SOURCE = 511
"""The highest number of a log; those above belong to runs of the simulated guild."""

_LOW_BITS = 22
_SOURCE_BITS = 12
_PER_MS = 1 << _SOURCE_BITS
_REMEMBERED = 10_000


class RecordIds(Protocol):
    """Gives ids to the messages of one log."""

    def id_of(self, record: LogRecord) -> int:
        """Return a message's id.

        Raises:
            LogLineInvalid: The message can have no id.
        """
        ...

    def reply_to_of(self, record: LogRecord) -> int | None:
        """Return the id of the message that a message answers, if it is known."""
        ...


class NumberedLog(Protocol):
    """A log as the database knows it."""

    @property
    def number(self) -> int:
        """Tells the logs of one database apart, from 1."""
        ...

    @property
    def shift_ms(self) -> int:
        """Milliseconds added to its times."""
        ...


class LogNumbers(Protocol):
    """Where logs are numbered."""

    async def register(self, fingerprint: str, name: str, *, shift_ms: int = 0) -> NumberedLog:
        """Return a log's number and shift; the first call for a log decides both."""
        ...


class RealIds:
    """The ids that stand in the log."""

    def id_of(self, record: LogRecord) -> int:
        """Return a message's id.

        Raises:
            LogLineInvalid: It is no Discord id.
        """
        if not 0 < record.id <= MAX_ID:
            raise LogLineInvalid(record.line, "'id' is no Discord id")
        return record.id

    def reply_to_of(self, record: LogRecord) -> int | None:
        """Return the id of the message that a message answers."""
        return record.reply_to


class LogIds:
    """Ids made from a log's number, its times and its own ids.

    A record's id depends on the record alone, unless two records of one millisecond have ids that are
    equal modulo 4,096: then the later one takes the next free place. The same record seen again has
    the same id.

    Args:
        source: The log's number, 1 to 511.
        shift_ms: Milliseconds added to every time.
        in_order: No record is earlier than the one before it, so what was given out before the
            current millisecond need not be remembered.
    """

    def __init__(self, source: int, *, shift_ms: int = 0, in_order: bool = False) -> None:
        self._source = source << _SOURCE_BITS
        self._shift_ms = shift_ms
        self._in_order = in_order
        self._newest_ms = -MAX_ID
        self._given: dict[tuple[int, str, int], int] = {}
        self._taken: set[int] = set()
        self._full: set[int] = set()
        self._answerable: OrderedDict[tuple[str, int], int] = OrderedDict()

    def id_of(self, record: LogRecord) -> int:
        """Return a message's id; ascending as the times are.

        Raises:
            LogLineInvalid: Its time is too far away for a 64-bit id.
        """
        ms = (snowflake_at(record.at) >> _LOW_BITS) + self._shift_ms
        if self._in_order and ms > self._newest_ms:
            self._forget_before(ms)
        key = (ms, record.channel, record.id)
        snowflake = self._given.get(key)
        if snowflake is None:
            snowflake = self._place(ms, record.id % _PER_MS)
            if not -MAX_ID <= snowflake <= MAX_ID:
                raise LogLineInvalid(record.line, "'at' is too far away for an id")
            self._given[key] = snowflake
            self._taken.add(snowflake)
        self._remember(record, snowflake)
        return snowflake

    def reply_to_of(self, record: LogRecord) -> int | None:
        """Return the id of the message answered, if it was among the last 10,000."""
        if record.reply_to is None:
            return None
        return self._answerable.get((record.channel, record.reply_to))

    def _place(self, ms: int, low: int) -> int:
        while True:
            while ms in self._full:
                ms += 1
            for step in range(_PER_MS):
                snowflake = ms << _LOW_BITS | self._source | (low + step) % _PER_MS
                if snowflake not in self._taken:
                    return snowflake
            self._full.add(ms)

    def _forget_before(self, ms: int) -> None:
        self._newest_ms = ms
        self._given.clear()
        self._taken = {snowflake for snowflake in self._taken if snowflake >> _LOW_BITS >= ms}
        if self._full:
            self._full = {full for full in self._full if full >= ms}

    def _remember(self, record: LogRecord, snowflake: int) -> None:
        self._answerable[record.channel, record.id] = snowflake
        if len(self._answerable) > _REMEMBERED:
            self._answerable.popitem(last=False)


async def ids_for_import(log: LogFile, survey: LogSurvey, numbers: LogNumbers) -> RecordIds:
    """Return the ids of a log that is read in with its true times.

    Args:
        log: The log.
        survey: Its survey.
        numbers: Where logs are numbered.

    Raises:
        LogSourcesFull: This log is new and no number is left.
    """
    if log.has_real_ids:
        return RealIds()
    return await _numbered("import", log, survey, numbers, shift_ms=0)


async def ids_for_replay(
    log: LogFile, survey: LogSurvey, numbers: LogNumbers, ends_at: datetime
) -> RecordIds:
    """Return the ids of a log that is replayed as if it ended now.

    Args:
        log: The log.
        survey: Its survey.
        numbers: Where logs are numbered; a log that was replayed before keeps its shift.
        ends_at: When the log ends, if it is new: an aware time.

    Raises:
        LogSourcesFull: This log is new and no number is left.
    """
    shift_ms = (ends_at - survey.last_at) // timedelta(milliseconds=1)
    return await _numbered("replay", log, survey, numbers, shift_ms=shift_ms)


async def _numbered(
    mode: str, log: LogFile, survey: LogSurvey, numbers: LogNumbers, *, shift_ms: int
) -> LogIds:
    known = await numbers.register(fingerprint(mode, log, survey.first), log.path.name, shift_ms=shift_ms)
    if known.number > LAST_SOURCE:
        raise LogSourcesFull
    return LogIds(known.number, shift_ms=known.shift_ms, in_order=survey.in_order)


def fingerprint(mode: str, log: LogFile, first: LogRecord) -> str:
    """Return what a log is known by: how it is read, its file name and its first message.

    Args:
        mode: ``import`` or ``replay``.
        log: The log.
        first: Its first well-formed record.
    """
    parts = (log.path.name, first.channel, str(first.id), first.author, first.at.isoformat(), first.text)
    return f"{mode}:{_digest(parts, 16).hex()}"


def person_id(record: LogRecord) -> int:
    """Return an author's id: the real one, or one made of channel name and nickname.

    Two logs share a person if both names are the same in both.
    """
    return record.author_id or _made_id("person", record.channel, record.author)


def channel_id(log: LogFile, name: str) -> int:
    """Return a channel's id: the real one, or one made of its name."""
    return log.channel_id or _made_id("channel", name)


def guild_id(log: LogFile) -> int | None:
    """Return the guild of a log: the real one, or the one that all logs without real ids share."""
    return log.guild_id if log.has_real_ids else _made_id("guild")


def _made_id(*parts: str) -> int:
    return int.from_bytes(_digest(parts, 8)) & MAX_ID or 1


def _digest(parts: tuple[str, ...], size: int) -> bytes:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=size).digest()
