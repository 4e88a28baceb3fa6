"""Row 6: a call reserved and settled under a hard budget.

Baseline: two bare one-row updates, each its own commit, from as many tasks through the same pool: all of
one row against all calls in one budget, a row each against a budget each. Eight tasks, a durable server.
Then one hundred pairs a second, evenly spaced over the tasks: how long a pair takes from its call to its
end, the slowest but one in a hundred. Not covered: several processes, a server across a network.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from statistics import quantiles

from benchmarks.ledger_setup import opened
from benchmarks.measure import Goal, Result
from wompcore.costs import Budget
from wompcore.db.embedded import EmbeddedServer

ROW = 6
PROMISE = "Reserve and settle: half the rate of two bare updates at least; at 100 pairs/s p99 within 10 ms."

TASKS = 8
SECONDS = 2.0
PAIRS_PER_S = 100
ONE = Budget("all", action="refuse", amount=Decimal(1_000_000))
EACH = Budget("guild", "*", action="refuse", amount=Decimal(1_000_000))

Pair = Callable[[int], Awaitable[None]]


def run(rounds: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "pg")
        server.start()
        try:
            for what, budget, spread in (("one budget", ONE, 0), ("a budget each", EACH, 1)):
                url = server.create_database(f"pairs_{spread}")
                yield from asyncio.run(_measure(url, what, budget, spread, rounds))
        finally:
            server.stop()


async def _measure(url: str, what: str, budget: Budget, spread: int, rounds: int) -> list[Result]:
    async with opened(url, budget) as setup:
        await setup.db.execute("CREATE TABLE bare (id integer PRIMARY KEY, n bigint) WITH (fillfactor = 50)")
        await setup.db.execute("INSERT INTO bare SELECT n, 0 FROM generate_series(0, %s) AS n", (TASKS,))

        async def bare(task: int) -> None:
            for _ in range(2):
                await setup.db.execute("UPDATE bare SET n = n + 1 WHERE id = %s", (task * spread,))

        async def ours(task: int) -> None:
            await setup.pair(1 + task * spread)

        rates: tuple[list[float], list[float]] = ([], [])
        slowest: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds + 1):
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                pair = (bare, ours)[side]
                rate, p99 = await _saturate(pair), await _pace(pair)
                if number:  # the first round warms up
                    rates[side].append(rate)
                    slowest[side].append(p99)
    fast, soon = Goal("ratio", ">=", 0.5), Goal("ours", "<=", 10)
    against = "two bare updates"
    return [
        Result(f"pairs, {what}", "1/s", against, tuple(rates[0]), tuple(rates[1]), fast),
        Result(f"p99 at {PAIRS_PER_S}/s, {what}", "ms", against, tuple(slowest[0]), tuple(slowest[1]), soon),
    ]


async def _saturate(pair: Pair) -> float:
    begun, count = time.perf_counter(), 0

    async def go_on(task: int) -> None:
        nonlocal count
        while time.perf_counter() - begun < SECONDS:
            await pair(task)
            count += 1

    await asyncio.gather(*map(go_on, range(TASKS)))
    return count / (time.perf_counter() - begun)


async def _pace(pair: Pair) -> float:
    taken: list[float] = []
    begun = time.perf_counter()

    async def keep_pace(task: int) -> None:
        for turn in range(int(SECONDS * PAIRS_PER_S) // TASKS):
            due = begun + (turn * TASKS + task) / PAIRS_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            start = time.perf_counter()
            await pair(task)
            taken.append(1000 * (time.perf_counter() - start))

    await asyncio.gather(*map(keep_pace, range(TASKS)))
    return quantiles(taken, n=100)[98]
