"""Sends one call: reserved, in turn, with the one retry loop, all before a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from wompcore.llm.breakers import Breakers
from wompcore.llm.call import Call
from wompcore.llm.deadline import Alarms, Deadline
from wompcore.llm.retry import Retry
from wompcore.llm.turn import Turn, Turns

T = TypeVar("T")


class Sender:
    """Where every call of a client goes through.

    Args:
        breakers: Who is left alone.
        turns: How many go at once.
        retry: When to try again.
    """

    def __init__(self, breakers: Breakers, turns: Turns, retry: Retry) -> None:
        self._breakers = breakers
        self._turns = turns
        self._retry = retry
        self._alarms = Alarms()

    async def send(
        self, call: Call, attempt: Callable[[Turn], Awaitable[T]], before: Deadline
    ) -> tuple[T, int]:
        """Return the first answer and the attempts it took; a call that fails is given up.

        Args:
            call: New.
            attempt: Sends once. It ends its turn when it succeeds, or leaves that to its result; when
                it fails, the turn is ended here.
            before: When it has to be there.

        Raises:
            ModelError: There was no answer.
            WompError: The ledger refuses the call.
        """
        self._breakers.refuse_while_open(call.endpoint)
        try:
            async with asyncio.timeout(None) as limit:
                alarm = self._alarms.set(limit, before.left_s())
                try:
                    await call.reserve()
                    return await self._retry.run(partial(self._try_once, call, attempt, limit), before)
                finally:
                    self._alarms.clear(limit, alarm)
        except TimeoutError as error:
            late = call.too_late()
            await call.give_up(late)
            raise late from error
        except BaseException as error:
            await call.give_up(error)
            raise

    async def _try_once(
        self, call: Call, attempt: Callable[[Turn], Awaitable[T]], limit: asyncio.Timeout
    ) -> T:
        await call.renew()
        asked = time.perf_counter()
        turn = await self._turns.take(call.endpoint)
        began = time.perf_counter()
        call.attempt_begins(began - asked)
        try:
            result = await attempt(turn)
        except BaseException as error:
            turn.end(TimeoutError() if limit.expired() else error)
            call.attempt_ended(error, time.perf_counter() - began)
            raise
        call.attempt_ended(None, time.perf_counter() - began)
        return result
