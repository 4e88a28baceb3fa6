"""Events of an answer as they arrive, and how long they may let one wait."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from wompcore.errors import ModelUnavailable, TransportFailed
from wompcore.llm.reply import Delta
from wompcore.llm.sse import EventParser

if TYPE_CHECKING:
    from wompcore.http import HttpStream

_LATE_USAGE_S = 2.0
_LEFTOVERS_S = 0.1


class Patience:
    """How long to wait: for the first token, between two, and for the usage after the last.

    Signs of life count as little as silence, except between the first token and the last.

    Args:
        first_token_s: Seconds from now until the answer begins.
        idle_s: Seconds of silence after that.
    """

    def __init__(self, first_token_s: float, idle_s: float) -> None:
        self._now = asyncio.get_running_loop().time
        self._until: float | None = self._now() + first_token_s
        self._idle_s = idle_s
        self.ended = False
        """Whether the answer is whole; nothing but its usage can be missing then."""

    def left_s(self) -> float:
        """Return the seconds to wait for the next bytes."""
        return self._idle_s if self._until is None else self._until - self._now()

    def saw(self, delta: Delta) -> None:
        """Take note of what arrived."""
        if delta.finish_reason and not self.ended:
            self.ended = True
            self._until = self._now() + _LATE_USAGE_S
        elif delta.shows and not self.ended:
            self._until = None


class EventReader:
    """The data of an answer's events, to be read with ``async for``.

    Args:
        answer: The answer.
        patience: How long to wait.
    """

    def __init__(self, answer: HttpStream, patience: Patience) -> None:
        self._answer = answer
        self._patience = patience
        self._parser = EventParser()
        self._events: deque[bytes] = deque()
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            await self._read()
        return self._events.popleft()

    async def _read(self) -> None:
        try:
            chunk = await self._answer.read(self._patience.left_s())
        except TransportFailed:
            if not self._patience.ended:
                raise
            chunk = b""
        self._closed = not chunk
        self._events += self._parser.feed(chunk) if chunk else self._parser.close()

    async def finish(self) -> None:
        """Read what follows the last event, an empty chunk as a rule: only then is the connection kept."""
        with suppress(TransportFailed, TimeoutError):
            async with asyncio.timeout(_LEFTOVERS_S):
                await self._answer.read_all(_LEFTOVERS_S)

    def expect_whole(self) -> None:
        """Make sure that the events did not end before the answer did.

        Raises:
            ModelUnavailable: They did.
        """
        if not self._patience.ended:
            raise ModelUnavailable("the stream ended before the answer did", retryable=True)
