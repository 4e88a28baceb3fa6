"""What happens, collected for those who want it in batches. Without them nothing is collected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

Source = Callable[[Callable[[Any], None]], Callable[[], None]]
"""Begins to call back with everything that happens, and returns what ends that."""

BATCH = 100
"""Things in a batch at most."""

EVERY_S = 0.25
"""Seconds until a batch that is not full is delivered."""


class Feed:
    """Collects what a source tells while somebody wants it.

    Args:
        source: Begins to call back with everything that happens, and returns what ends that.
        deliver: Takes a batch.
    """

    def __init__(self, source: Source, deliver: Callable[[tuple[Any, ...]], None]) -> None:
        self._source = source
        self._deliver = deliver
        self._batch: list[Any] = []
        self._timer: asyncio.TimerHandle | None = None
        self._end: Callable[[], None] | None = None

    def want(self, wanted: bool) -> None:
        """Begin or end collecting."""
        if wanted and self._end is None:
            self._end = self._source(self._take)
        elif not wanted and self._end is not None:
            self._end()
            self._end = None

    def flush(self) -> None:
        """Deliver what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._batch:
            batch, self._batch = tuple(self._batch), []
            self._deliver(batch)

    def _take(self, thing: Any) -> None:
        self._batch.append(thing)
        if len(self._batch) >= BATCH:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self.flush)
