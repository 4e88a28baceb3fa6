"""Places that a bounded number of requests can hold at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from wompcore.errors import SlotsBusy


@dataclass(slots=True)
class _Places:
    """What one key holds: how many places are taken, and who waits for the next."""

    taken: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Slots:
    """Places per key, given out in the order of asking.

    A place that becomes free goes straight to the one who has waited longest; a newcomer never
    slips in between. A key costs memory only while somebody holds or awaits a place.

    Args:
        slots: Places per key.
        queue: How many may wait per key.
        wait_s: Seconds to wait at most.
    """

    def __init__(self, slots: int, queue: int, wait_s: float) -> None:
        self._slots = slots
        self._queue = queue
        self._wait_s = wait_s
        self._keys: dict[int, _Places] = {}

    @asynccontextmanager
    async def take(self, key: int) -> AsyncIterator[None]:
        """Hold one place of ``key`` for the length of the context.

        Raises:
            SlotsBusy: No place became free in time, or the queue is full.
        """
        await self._acquire(key)
        try:
            yield
        finally:
            self._release(key)

    def taken(self, key: int) -> int:
        """Return how many places of ``key`` are held."""
        places = self._keys.get(key)
        return places.taken if places else 0

    def waiting(self, key: int) -> int:
        """Return how many wait for a place of ``key``."""
        places = self._keys.get(key)
        return len(places.waiting) if places else 0

    async def _acquire(self, key: int) -> None:
        places = self._keys.setdefault(key, _Places())
        # Invariant: somebody waits only while every place is taken.
        if places.taken < self._slots:
            places.taken += 1
            return
        if len(places.waiting) >= self._queue:
            raise SlotsBusy
        turn = asyncio.get_running_loop().create_future()
        places.waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The place was handed over in the same moment: it must not be lost.
                self._release(key)
            else:
                with suppress(ValueError):  # a release may have passed over it already
                    places.waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise SlotsBusy from None
            raise

    def _release(self, key: int) -> None:
        places = self._keys[key]
        while places.waiting:
            turn = places.waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the place changes hands, `taken` stays
                return
        places.taken -= 1
        if not places.taken:
            del self._keys[key]


class ChannelSlots(Slots):
    """Replies in progress per channel: a fair, bounded queue behind them.

    Args:
        slots: Replies at once per channel.
        queue: Requests waiting per channel at most.
        wait_s: Seconds a request waits at most.
    """

    def __init__(self, slots: int = 3, queue: int = 10, wait_s: float = 10.0) -> None:
        super().__init__(slots, queue, wait_s)


class PersonSlots(Slots):
    """Replies in progress per person; the next one is refused at once.

    Args:
        slots: Replies at once per person.
    """

    def __init__(self, slots: int = 3) -> None:
        super().__init__(slots, queue=0, wait_s=0.0)
