"""How late the event loop is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PERIOD_S = 0.005


class LoopLag:
    """Seconds by which a timer of 5 ms came late, sampled all the time. Made by :meth:`measuring`."""

    def __init__(self) -> None:
        self._late_s: list[float] = []

    @classmethod
    @asynccontextmanager
    async def measuring(cls) -> AsyncIterator[LoopLag]:
        """Sample while the context lasts."""
        lag = cls()
        ticker = asyncio.create_task(lag._tick(), name="loop lag")
        try:
            yield lag
        finally:
            ticker.cancel()
            await asyncio.wait([ticker])

    def percentile_ms(self, percent: float) -> float:
        """Return the lag in ms that ``percent`` % of the samples do not exceed; 0 without samples.

        The nearest-rank percentile: the smallest sample that so many do not exceed.
        """
        if not self._late_s:
            return 0.0
        ordered = sorted(self._late_s)
        return 1000 * ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + _PERIOD_S
            await asyncio.sleep(_PERIOD_S)
            self._late_s.append(max(0.0, loop.time() - due_s))
