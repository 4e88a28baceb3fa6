"""A reply while it arrives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Self

from wompcore.errors import ModelError, ModelUnavailable, StreamBroken
from wompcore.llm.call import Call, Outcome
from wompcore.llm.reply import Delta, PassedOver, Reply
from wompcore.llm.stream import Assembly
from wompcore.llm.turn import Turn
from wompcore.usage import Usage

TOO_LATE = "the answer was not whole before the deadline"


class Arrival:
    """The pieces of one answer as a provider sends them, until one of them shows something.

    Made by :meth:`begin`, which may be tried again: nobody has seen anything yet.

    Args:
        turn: Held until the answer has ended.
        deltas: The provider's.
        sent: Bytes of the request.
    """

    def __init__(self, turn: Turn, deltas: AsyncGenerator[Delta, None], sent: int) -> None:
        self.turn = turn
        self.deltas = deltas
        self.sent = sent
        self.assembly = Assembly()
        self.unseen: deque[Delta] = deque()

    async def begin(self) -> Self:
        """Wait for the first piece that shows something; until then the turn is still the caller's.

        A refusal is read to its end, so that another model can still be asked.

        Raises:
            ModelError: None came.
        """
        try:
            async for delta in self.deltas:
                self._take(delta)
                if delta.shows and not self.assembly.refused:
                    break
        except BaseException:
            await self.deltas.aclose()
            raise
        self.turn.answered()
        return self

    async def next(self, within_s: float) -> Delta:
        """Return the next piece.

        Raises:
            StopAsyncIteration: The answer is whole.
            ModelError: It broke off.
            TimeoutError: Nothing came in time.
        """
        if not self.unseen:
            async with asyncio.timeout(within_s):
                self._take(await anext(self.deltas))
        return self.unseen.popleft()

    async def end(self, error: BaseException | None) -> None:
        """Close the connection unless it can be kept, and give the turn back."""
        try:
            await self.deltas.aclose()
        finally:
            self.turn.end(error)

    def _take(self, delta: Delta) -> None:
        self.assembly.add(delta)
        self.unseen.append(delta)


class ReplyStream:
    """Pieces of a reply, to be read with ``async for``; afterwards :attr:`reply` is the whole of it.

    It is settled exactly once: when it ends, breaks off, or is left before its end.

    Args:
        arrival: The answer, begun.
        call: What it answers.
        attempts: Attempts it took to begin.
    """

    def __init__(self, arrival: Arrival, call: Call, attempts: int) -> None:
        self.passed_over: tuple[PassedOver, ...] = ()
        """Models that came first in the route, and why they did not answer."""
        self._arrival = arrival
        self._call = call
        self._attempts = attempts
        self._ended = False
        self._reply: Reply | None = None

    @property
    def reply(self) -> Reply:
        """The whole reply.

        Raises:
            ModelError: The stream was not read to its end.
        """
        if self._reply is None:
            raise ModelError("a streamed reply is known when it was read to its end")
        return self._reply

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delta:
        if self._ended:
            raise StopAsyncIteration
        try:
            return await self._arrival.next(self._call.deadline.left_s())
        except StopAsyncIteration:
            await self._whole()
            raise
        except TimeoutError as error:
            raise await self._broken(ModelUnavailable(TOO_LATE)) from error
        except ModelError as error:
            raise await self._broken(error) from error

    async def refused(self) -> bool:
        """Tell whether the model will not answer, before anything was read; it is recorded then."""
        if not self._arrival.assembly.refused:
            return False
        await self._whole()
        return True

    async def close(self) -> None:
        """End it where it is; what has arrived is recorded. Does nothing after its end."""
        if not self._ended:
            await self._cut(ModelError("it was left before its end"), asyncio.CancelledError(), "cancelled")

    async def _whole(self) -> None:
        self._ended = True
        answer = self._arrival.assembly.answer(self._arrival.sent)
        try:
            await self._arrival.end(None)
        finally:
            reply = await self._call.reply(answer, self._attempts)
            self._reply = reply.after(self.passed_over)

    async def _broken(self, error: ModelError) -> StreamBroken:
        return await self._cut(error, error, "failed")

    async def _cut(self, error: ModelError, verdict: BaseException, outcome: Outcome) -> StreamBroken:
        """Record the part that arrived; the breaker gets the verdict."""
        self._ended = True
        broken = self._arrival.assembly.broken(error, self._arrival.sent)
        try:
            await self._arrival.end(verdict)
        finally:
            await self._call.settle(broken.usage or Usage(), outcome)
        return broken
