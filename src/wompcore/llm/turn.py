"""Waiting for one's turn at a provider, and letting its breaker know how the turn went."""

from __future__ import annotations

import asyncio
import time

from wompcore.llm.breakers import Breakers, Endpoint


class Turn:
    """The right to send one request, given back exactly once.

    Args:
        slots: Where the right comes from.
        breakers: Who is told.
        endpoint: Who is asked.
        permit: The breaker's.
    """

    def __init__(self, slots: asyncio.Semaphore, breakers: Breakers, endpoint: Endpoint, permit: int) -> None:
        self._slots = slots
        self._breakers = breakers
        self._endpoint = endpoint
        self._permit = permit
        self._began = time.monotonic()

    def answered(self) -> None:
        """The endpoint began to answer: a probe has seen enough, however long the answer takes."""
        self._report(None)

    def end(self, error: BaseException | None) -> None:
        """Give the right back; the error is ``None`` when there was an answer."""
        self._slots.release()
        self._report(error)

    def _report(self, error: BaseException | None) -> None:
        self._breakers.report(self._endpoint, self._permit, error, time.monotonic() - self._began)


class Turns:
    """Bounds the requests that are in flight at each address; who asks first goes first.

    Args:
        at_once: Requests in flight per address.
        breakers: Asked after the wait, as one may open meanwhile.
    """

    def __init__(self, at_once: int, breakers: Breakers) -> None:
        self._at_once = at_once
        self._breakers = breakers
        self._slots: dict[str, asyncio.Semaphore] = {}

    async def take(self, endpoint: Endpoint) -> Turn:
        """Wait for a turn; the caller bounds the wait by cancelling.

        Raises:
            BreakerOpen: The endpoint is being left alone.
        """
        address = endpoint[0]
        slots = self._slots.get(address)
        if slots is None:
            slots = self._slots[address] = asyncio.Semaphore(self._at_once)
        await slots.acquire()
        try:
            return Turn(slots, self._breakers, endpoint, await self._breakers.admit(endpoint))
        except BaseException:
            slots.release()
            raise
