"""Micro-batched message store.

Adding is a synchronous append. One task writes what has gathered: one statement per batch, then
edits, then deletions, so each change meets the message it is about. While the database is away the
buffer is bounded; what does not fit is remembered as a gap per channel and fetched again later.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from wompcore.config import IngestSettings
from wompcore.errors import DatabaseError, RowsRefused
from wompcore.events import ChatMessage, Gap, MessageEdited
from wompcore.ingest.outage import Outage

_log = logging.getLogger(__name__)

_TOMBSTONES = 10_000

T = TypeVar("T")


class Batch(Protocol):
    """What became of a batch."""

    @property
    def stored(self) -> int:
        """Newly written."""
        ...

    @property
    def already(self) -> int:
        """There before."""
        ...

    @property
    def opted_out(self) -> int:
        """Left out: the author withdrew."""
        ...


class Messages(Protocol):
    """Where messages are kept."""

    async def store(self, batch: Sequence[ChatMessage]) -> Batch:
        """Write a batch in one statement."""
        ...

    async def park(self, message: ChatMessage, reason: str) -> None:
        """Put a refused message aside."""
        ...

    async def edit(self, edits: Sequence[MessageEdited]) -> None:
        """Change stored texts."""
        ...

    async def delete(self, ids: Iterable[int]) -> None:
        """Remove messages."""
        ...

    async def note_gaps(self, gaps: Iterable[Gap]) -> None:
        """Remember gaps."""
        ...


class Refusals(Protocol):
    """Who is known to have withdrawn."""

    def refuses(self, person_id: int) -> bool:
        """Return whether this person's messages must not be kept."""
        ...


@dataclass(slots=True)
class StoreCounts:
    """What the store did since it was opened; this bot's own messages are not counted."""

    stored: int = 0
    already_stored: int = 0
    opted_out: int = 0
    parked: int = 0
    overflowed: int = 0
    batches: int = 0


class MessageStore:
    """Keeps messages. Made by :meth:`open`.

    Attributes:
        counts: What it did.
        outage: How long the database has been away.
    """

    def __init__(self, messages: Messages, gate: Refusals, settings: IngestSettings) -> None:
        self._messages = messages
        self._gate = gate
        self._settings = settings
        self._buffer: deque[ChatMessage] = deque()
        self._edits: list[MessageEdited] = []
        self._deletes: list[int] = []
        self._deleted: dict[int, None] = {}
        self._gaps: dict[int, Gap] = {}
        self._last_taken: dict[int, int] = {}
        self._wake = asyncio.Event()
        self._emptied = asyncio.Condition()
        self._writing = asyncio.Lock()
        self.outage = Outage()
        self.counts = StoreCounts()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, messages: Messages, gate: Refusals, settings: IngestSettings
    ) -> AsyncIterator[MessageStore]:
        """Open the store; closing writes what is left.

        Args:
            messages: Where messages are kept.
            gate: Knows who withdrew.
            settings: Batch size, delay and bounds.
        """
        store = cls(messages, gate, settings)
        writer = asyncio.create_task(store._write_forever(), name="ingest")
        try:
            yield store
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            try:
                await store._write_all()
            except DatabaseError:
                _log.error("%d messages could not be written at the end", len(store._buffer))

    @property
    def waiting(self) -> int:
        """Messages that are not written yet."""
        return len(self._buffer)

    def add(self, message: ChatMessage) -> bool:
        """Keep a message. Never waits.

        Returns:
            Whether it will be written: False if its author withdrew, it was deleted meanwhile, or the
            buffer is full, in which case the gap is remembered.
        """
        if self._gate.refuses(message.author_id):
            self.counts.opted_out += 1
            return False
        if message.id in self._deleted:
            return False
        buffer = self._buffer
        if len(buffer) >= self._settings.buffer:
            self._overflow(message)
            return False
        buffer.append(message)
        self._last_taken[message.channel_id] = message.id
        if len(buffer) >= self._settings.batch:
            self._wake.set()
        return True

    def edited(self, event: MessageEdited) -> None:
        """Change a message's stored text."""
        self._edits.append(event)

    def deleted(self, ids: Iterable[int]) -> None:
        """Remove messages, also those that still wait to be written."""
        for message_id in ids:
            self._deletes.append(message_id)
            self._deleted[message_id] = None
        while len(self._deleted) > _TOMBSTONES:
            del self._deleted[next(iter(self._deleted))]

    def unwritten(self, channel_id: int) -> list[ChatMessage]:
        """Return a channel's messages that no query can see yet, oldest first."""
        return [
            message
            for message in self._buffer
            if message.channel_id == channel_id and message.id not in self._deleted
        ]

    async def room(self) -> None:
        """Wait until the buffer is at most half full."""
        async with self._emptied:
            await self._emptied.wait_for(lambda: len(self._buffer) * 2 <= self._settings.buffer)

    async def flush(self) -> None:
        """Wait until everything taken so far is written, however long the database is away."""
        for pause_s in _pauses():
            try:
                return await self._write_all()
            except DatabaseError:
                await asyncio.sleep(pause_s)

    def _overflow(self, message: ChatMessage) -> None:
        self.counts.overflowed += 1
        gap = self._gaps.get(message.channel_id)
        last = self._last_taken.get(message.channel_id, message.id - 1)
        after_id = last if gap is None else gap.after_id
        self._gaps[message.channel_id] = Gap(message.channel_id, after_id, message.id + 1)

    async def _write_forever(self) -> None:
        pauses = _pauses()
        while True:
            try:
                async with asyncio.timeout(self._settings.flush_s):
                    await self._wake.wait()
            except TimeoutError:
                pass  # the delay is over: write what has gathered
            try:
                await self._write_all()
                pauses = _pauses()
            except DatabaseError:
                await asyncio.sleep(next(pauses))

    async def _write_all(self) -> None:
        try:
            await self._write_what_waits()
        except DatabaseError as error:
            self.outage.goes_on(error)
            raise
        self.outage.is_over()

    async def _write_what_waits(self) -> None:
        async with self._writing:
            self._wake.clear()
            # A change that comes from here on may be about a message that comes from here on: it waits
            # for the next round, behind that message.
            waiting, edits, deletes = len(self._buffer), len(self._edits), len(self._deletes)
            while waiting > 0:
                size = min(waiting, self._settings.batch)
                await self._write(list(itertools.islice(self._buffer, size)))
                waiting -= size
                async with self._emptied:
                    self._emptied.notify_all()
            await self._write_changes(edits, deletes)

    async def _write(self, batch: Sequence[ChatMessage]) -> None:
        # A message leaves the buffer only once it is written, so a failed or cancelled write loses
        # nothing; writing it again is harmless, as its id makes it idempotent. Batches are written
        # from the left and only here, under the lock, is anything removed.
        try:
            result = await self._messages.store(batch)
        except RowsRefused as refusal:
            if len(batch) > 1:
                await self._write(batch[: len(batch) // 2])
                await self._write(batch[len(batch) // 2 :])
                return
            await self._messages.park(batch[0], refusal.message)
            self.counts.parked += 1
        else:
            self.counts.batches += 1
            self.counts.stored += result.stored
            self.counts.already_stored += result.already
            self.counts.opted_out += result.opted_out
        for _ in batch:
            self._buffer.popleft()

    async def _write_changes(self, edits: int, deletes: int) -> None:
        if edits:
            newest = {edit.id: edit for edit in self._edits[:edits]}
            await _or_halves(list(newest.values()), self._messages.edit)
            del self._edits[:edits]
        if deletes:
            await _or_halves(self._deletes[:deletes], self._messages.delete)
            del self._deletes[:deletes]
        if self._gaps:
            noted = dict(self._gaps)
            await self._messages.note_gaps(noted.values())
            self._gaps = {key: gap for key, gap in self._gaps.items() if noted.get(key) is not gap}


async def _or_halves(rows: Sequence[T], write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
    """Write rows; those that the database refuses for their data are left out and logged."""
    try:
        await write(rows)
    except RowsRefused as refusal:
        if len(rows) == 1:
            _log.warning("a change to a message was refused: %s", refusal)
            return
        await _or_halves(rows[: len(rows) // 2], write)
        await _or_halves(rows[len(rows) // 2 :], write)


def _pauses() -> Iterator[float]:
    """Seconds between tries while the database is away."""
    yield from (0.1, 0.2, 0.5, 1.0)
    while True:
        yield 2.0
