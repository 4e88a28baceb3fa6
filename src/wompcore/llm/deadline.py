"""The moment at which everything about a call has to be over, and what ends it then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

EXACT_BELOW_S: Final = 2.0
"""Shorter limits have a timer of their own."""

TICK_S: Final = 0.02
"""How late a longer one may come."""


class Deadline:
    """A moment to come.

    Args:
        within_s: Seconds from now.
        monotonic: Real time.
    """

    __slots__ = ("_at", "_monotonic")

    def __init__(self, within_s: float, monotonic: Callable[[], float]) -> None:
        self._at = monotonic() + within_s
        self._monotonic = monotonic

    def share(self, among: int) -> Deadline:
        """Return the deadline of the first of several, who have the same time each."""
        return self if among == 1 else Deadline(self.left_s() / among, self._monotonic)

    def left_s(self) -> float:
        """Return the seconds until then; negative afterwards."""
        return self._at - self._monotonic()


class Alarms:
    """Ends what is late. Limits that are seconds away share one timer of the event loop.

    Almost no call is ever late, and a timer of its own, set and cleared, would cost each of them more than
    its breaker, its turn and its retry together.
    """

    def __init__(self) -> None:
        self._ticks: dict[int, set[asyncio.Timeout]] = {}
        self._next: int | None = None  # the tick that the timer is set for

    def set(self, limit: asyncio.Timeout, within_s: float) -> int | None:
        """Let a limit without a time of its own expire, and return what :meth:`clear` needs.

        Args:
            limit: Entered, and not left before it is cleared.
            within_s: Seconds from now.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if within_s < EXACT_BELOW_S:
            limit.reschedule(now + within_s)
            return None
        tick = int((now + within_s) / TICK_S) + 1
        self._ticks.setdefault(tick, set()).add(limit)
        if self._next is None:
            self._wait(loop, int(now / TICK_S) + 1)
        return tick

    def clear(self, limit: asyncio.Timeout, tick: int | None) -> None:
        """Let a limit be; it was left in time, or is expiring."""
        if tick is not None and (limits := self._ticks.get(tick)) is not None:
            limits.discard(limit)
            if not limits:
                del self._ticks[tick]

    def _wait(self, loop: asyncio.AbstractEventLoop, tick: int) -> None:
        self._next = tick
        loop.call_at(tick * TICK_S, self._ring, loop, tick)

    def _ring(self, loop: asyncio.AbstractEventLoop, tick: int) -> None:
        reached = max(tick, int(loop.time() / TICK_S))
        for passed in range(tick, reached + 1):
            for limit in self._ticks.pop(passed, ()):
                limit.reschedule(loop.time())
        if self._ticks:
            self._wait(loop, reached + 1)
        else:
            self._next = None
