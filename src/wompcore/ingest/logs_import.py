"""Reading a chat log into the message store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wompcore.errors import DatabaseUnavailable, LogLineInvalid
from wompcore.events import ChatMessage
from wompcore.ingest.logs import LogFile
from wompcore.ingest.logs_ids import RecordIds, channel_id, guild_id, person_id
from wompcore.ingest.logs_records import LogRecord
from wompcore.text import clean, clean_name

_SLICE = 200


class Outage(Protocol):
    """How long the store cannot write."""

    async def lasts(self, seconds: float) -> None:
        """Return once it lasts that long."""
        ...


class Store(Protocol):
    """Keeps messages."""

    @property
    def outage(self) -> Outage:
        """How long it cannot write."""
        ...

    def add(self, message: ChatMessage) -> bool:
        """Keep a message."""
        ...

    async def room(self) -> None:
        """Wait until there is room for more."""
        ...

    async def flush(self) -> None:
        """Wait until everything taken so far is written."""
        ...


@dataclass(frozen=True, slots=True)
class LogImport:
    """What was read in; the store counts what became of it.

    Args:
        messages: Well-formed messages handed to the store.
        bad_lines: Malformed lines, left out.
        people: Different authors.
    """

    messages: int
    bad_lines: int
    people: int


async def import_log(
    log: LogFile,
    ids: RecordIds,
    store: Store,
    *,
    on_bad_line: Callable[[LogLineInvalid], None],
    on_progress: Callable[[int], None] = lambda _: None,
    patience_s: float = 60.0,
) -> LogImport:
    """Store every message of a log with its true time. Doing it again stores nothing twice.

    Args:
        log: The log.
        ids: Gives its messages their ids.
        store: Keeps messages.
        on_bad_line: Called with each malformed line.
        on_progress: Called now and then with the number of entries read so far.
        patience_s: Seconds to wait for a database that went away.

    Raises:
        DatabaseUnavailable: It stayed away; what came before is stored.
        LogUnreadable: The file failed while it was read; what came before is stored.
    """
    reading = asyncio.ensure_future(_read_in(log, ids, store, on_bad_line, on_progress))
    outage = asyncio.ensure_future(store.outage.lasts(patience_s))
    try:
        await asyncio.wait((reading, outage), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            return reading.result()
    finally:
        reading.cancel()
        outage.cancel()
        await asyncio.gather(reading, outage, return_exceptions=True)
    raise DatabaseUnavailable(
        f"the database went away and was waited for {patience_s:.0f} s",
        hint="Import the log again when it is back: what is stored stays, and the rest follows.",
    )


async def _read_in(
    log: LogFile,
    ids: RecordIds,
    store: Store,
    on_bad_line: Callable[[LogLineInvalid], None],
    on_progress: Callable[[int], None],
) -> LogImport:
    people: set[int] = set()
    count = bad_lines = 0
    for count, entry in enumerate(log, 1):
        if count % _SLICE == 0:
            on_progress(count)
            await store.room()
            await asyncio.sleep(0)
        try:
            if isinstance(entry, LogLineInvalid):
                raise entry
            message = message_of(log, entry, ids)
        except LogLineInvalid as bad_line:
            bad_lines += 1
            on_bad_line(bad_line)
            continue
        store.add(message)
        people.add(message.author_id)
    await store.flush()
    on_progress(count)
    return LogImport(count - bad_lines, bad_lines, len(people))


def message_of(log: LogFile, record: LogRecord, ids: RecordIds) -> ChatMessage:
    """Return a record as a message, cleaned.

    Raises:
        LogLineInvalid: The record can have no id.
    """
    return ChatMessage(
        id=ids.id_of(record),
        channel_id=channel_id(log, record.channel),
        author_id=person_id(record),
        author_name=clean_name(record.author),
        text=clean(record.text),
        guild_id=guild_id(log),
        reply_to_id=ids.reply_to_of(record),
        is_bot=record.is_bot,
    )
