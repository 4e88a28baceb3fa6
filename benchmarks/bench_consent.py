"""Row 2: "may we?" for a person we know.

Ours is :meth:`wompcore.consent.Gate.allows` with 10,000 people of whom 100 withdrew, CPU time per
look-up. Baselines: aiocache's memory cache, and a plain dictionary with an expiry time, which is as
little as such a look-up can do. Not covered: opening the gate, and changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from timeit import Timer

from aiocache import SimpleMemoryCache

from benchmarks.measure import Goal, Result, alternate
from wompcore.clock import SystemClock
from wompcore.consent import Gate

ROW = 2
PROMISE = "Consent of a known person is looked up synchronously in at most 0.5 us."

PEOPLE = range(1_000_000_000_000_000_000, 1_000_000_000_000_010_000)
WITHDREW = PEOPLE[::100]
PASSES = 20
_US = 1e6


class Book:
    """Consent as it would be read from the database."""

    async def changes(self, purpose: str) -> dict[int, tuple[int, bool]]:
        return dict.fromkeys(WITHDREW, (1, True))

    async def change(
        self, person_id: int, purpose: str, *, withdrawn: bool, policy: str, method: str, at: datetime
    ) -> int:
        return 2


class Link:
    """A link to other processes that is up and silent."""

    down_since: float | None = None

    def on(self, channel: str, callback: Callable[[str], None]) -> None: ...

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None: ...

    async def listening(self) -> None: ...


def run(rounds: int) -> Iterator[Result]:
    for against, baseline in (("aiocache memory get", _aiocache), ("dict with expiry", _dictionary)):
        theirs, ours = alternate(baseline, _gate, rounds)
        yield Result("Gate.allows", "us", against, theirs, ours, Goal("ours", "<=", 0.5))


def _gate() -> float:
    async def measure() -> float:
        async with _opened() as gate:
            return _per_call("for person in people: allows(person)", allows=gate.allows)

    return asyncio.run(measure())


@asynccontextmanager
async def _opened() -> AsyncIterator[Gate]:
    async with Gate.open(Book(), Link(), SystemClock(), channel="consent") as gate:
        assert not gate.allows(WITHDREW[0])
        assert gate.allows(PEOPLE[1])
        yield gate


def _dictionary() -> float:
    known = {person: (person not in WITHDREW, time.monotonic() + 300) for person in PEOPLE}

    def allows(person: int) -> bool | None:
        answer, expires = known[person]
        return answer if expires > time.monotonic() else None

    return _per_call("for person in people: allows(person)", allows=allows)


def _per_call(statement: str, **names: object) -> float:
    timer = Timer(statement, timer=time.process_time, globals={"people": PEOPLE, **names})
    return timer.timeit(PASSES) / (PASSES * len(PEOPLE)) * _US


def _aiocache() -> float:
    async def measure() -> float:
        cache = SimpleMemoryCache()
        for person in PEOPLE:
            await cache.set(person, person not in WITHDREW)
        begun = time.process_time()
        for person in PEOPLE:
            await cache.get(person)
        return (time.process_time() - begun) / len(PEOPLE) * _US

    return asyncio.run(measure())
