"""Row 5: what a month came to, and whether a budget allows a call, in a small and in a large ledger.

Baseline: the same questions with ten entries. Ours: with a million, or as many as WOMPBOT_BENCH_ROWS
says, by as many people. One connection, time per question. Not covered: a server whose memory is too
small for its indexes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path

from benchmarks.ledger_setup import Setup, call, opened
from benchmarks.measure import Goal, Result
from wompcore.clock import SystemClock
from wompcore.costs import Budget
from wompcore.db.embedded import EmbeddedServer
from wompcore.ids import month_of, snowflake_at

ROW = 5
PROMISE = "The month's total and a budget check take the same time at 10 rows and at millions."

FEW, MANY = 10, int(os.environ.get("WOMPBOT_BENCH_ROWS", "1000000"))
ASKED = 200
BUDGETS = (
    Budget("all", action="refuse", amount=Decimal(1_000_000_000)),
    Budget("person", "*", period="hour", action="refuse", amount=Decimal(1_000_000_000)),
)
_ENTRIES = """
INSERT INTO cost_entries (id, provider, model, purpose, person_id, message_id, input_tokens, output_tokens,
    cost_usd, price_source, outcome)
SELECT %(first)s + n, 'p', 'm', 'chat', n, n, 1, 1, 0.01, 'table', 'ok' FROM generate_series(1, %(rows)s) AS n
"""
_TOTALS = """
INSERT INTO cost_totals (month, scope, key, calls, cost_usd)
SELECT %(month)s, 'person', n::text, 1, 0.01 FROM generate_series(1, %(rows)s) AS n
"""
_METERS = """
INSERT INTO budget_meters (budget_id, key, starts_at, spent)
SELECT (SELECT id FROM budgets WHERE key = '*'), n::text, date_trunc('minute', now()), 0.01
FROM generate_series(1, %(rows)s) AS n
"""

Question = Callable[[Setup], Awaitable[object]]


async def _total(setup: Setup) -> object:
    return await setup.ledger.month_total("person", "7")


async def _check(setup: Setup) -> object:
    return await setup.ledger.release(await setup.ledger.reserve([call(7)]))


def run(rounds: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        # A commit's wait for the disk is the same in both, and would hide a difference.
        server = EmbeddedServer(Path(folder) / "pg", options={"fsync": "off", "max_wal_size": "4GB"})
        server.start()
        try:
            urls = [server.create_database(name) for name in ("few", "many")]
            yield from asyncio.run(_measure(urls, rounds))
        finally:
            server.stop()


async def _measure(urls: list[str], rounds: int) -> list[Result]:
    results = []
    async with opened(urls[0], *BUDGETS) as few, opened(urls[1], *BUDGETS) as many:
        await _fill(few, FEW)
        await _fill(many, MANY)
        for what, question in (("month total", _total), ("budget check, given back", _check)):
            samples: tuple[list[float], list[float]] = ([], [])
            for number in range(rounds + 1):
                for side in (0, 1) if number % 2 == 0 else (1, 0):
                    taken = await _time((few, many)[side], question)
                    if number:  # the first round warms up
                        samples[side].append(taken)
            name, goal = f"{what}, {MANY:,} rows", Goal("ratio", "<=", 1.3)
            results.append(Result(name, "us", f"{FEW} rows", tuple(samples[0]), tuple(samples[1]), goal))
    return results


async def _fill(setup: Setup, rows: int) -> None:
    month = month_of(SystemClock().now())
    values = {"first": snowflake_at(month), "month": month.date(), "rows": rows}
    async with setup.db.direct_connection() as connection:
        for statement in (_ENTRIES, _TOTALS, _METERS):
            await connection.execute(statement, values)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")


async def _time(setup: Setup, question: Question) -> float:
    begun = time.perf_counter()
    for _ in range(ASKED):
        await question(setup)
    return (time.perf_counter() - begun) / ASKED * 1e6
