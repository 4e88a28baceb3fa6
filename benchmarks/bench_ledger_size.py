"""Row 5: what a month came to, and whether a budget allows a call, in a small and in a large ledger.

Baseline: the same questions with ten entries. Ours: with a million, or as many as WOMPBOT_BENCH_ROWS
says (ten million take minutes), by as many people. One connection, time per question. Not covered: a
server whose memory is too small for its indexes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path

from psycopg import sql

from benchmarks.ledger_setup import Setup, call, opened
from benchmarks.measure import Goal, Result
from wompcore.clock import SystemClock
from wompcore.costs import Budget
from wompcore.db.embedded import EmbeddedServer
from wompcore.ids import month_of, next_month, snowflake_at
from wompcore.repos.partitions import partition_name

ROW = 5
PROMISE = "The month's total and a budget check take the same time at 10 rows and at millions."

FEW, MANY = 10, int(os.environ.get("WOMPBOT_BENCH_ROWS", "1000000"))
ASKED = 200
BUDGETS = (
    Budget("all", action="refuse", amount=Decimal(1_000_000_000)),
    Budget("person", "*", period="hour", action="refuse", amount=Decimal(1_000_000_000)),
)
# Rows are written before their indexes, into files that begin with this transaction, so that the log of a
# server with wal_level minimal need not hold them; attaching a partition makes its indexes.
_FILL = """
SET LOCAL session_replication_role = replica;  -- no look at budgets for every meter
ALTER TABLE cost_entries DETACH PARTITION {month};
DROP TABLE {month};
CREATE TABLE {month} (LIKE cost_entries INCLUDING DEFAULTS);
INSERT INTO {month} (id, provider, model, purpose, person_id, message_id, input_tokens, output_tokens,
    cost_usd, price_source, outcome)
SELECT {first} + n, 'p', 'm', 'chat', n, n, 1, 1, 0.01, 'table', 'ok' FROM generate_series(1, {rows}) AS n;
ALTER TABLE cost_entries ATTACH PARTITION {month} FOR VALUES FROM ({first}) TO ({end});
TRUNCATE cost_totals, budget_meters;
ALTER TABLE cost_totals DROP CONSTRAINT cost_totals_pkey;
ALTER TABLE budget_meters DROP CONSTRAINT budget_meters_pkey;
INSERT INTO cost_totals (month, scope, key, calls, cost_usd)
SELECT {day}, 'person', n::text, 1, 0.01 FROM generate_series(1, {rows}) AS n;
INSERT INTO budget_meters (budget_id, key, starts_at, spent)
SELECT b.id, n::text, date_trunc('minute', now()), 0.01
FROM budgets AS b CROSS JOIN generate_series(1, {rows}) AS n WHERE b.key = '*';
ALTER TABLE cost_totals ADD PRIMARY KEY (month, scope, guild_id, key);
ALTER TABLE budget_meters ADD PRIMARY KEY (budget_id, key, starts_at);
"""
_SERVER = {
    "fsync": "off",  # a commit's wait for the disk is the same in both, and would hide a difference
    "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "8GB", "maintenance_work_mem": "512MB",
    "autovacuum": "off",
}  # fmt: skip

Question = Callable[[Setup], Awaitable[object]]


async def _total(setup: Setup) -> object:
    return await setup.ledger.month_total("person", "7")


async def _check(setup: Setup) -> object:
    return await setup.ledger.release(await setup.ledger.reserve([call(7)]))


def run(rounds: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "pg", options=_SERVER)
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
    filling = sql.SQL(_FILL).format(
        month=sql.Identifier(partition_name("cost_entries", month)),
        first=snowflake_at(month),
        end=snowflake_at(next_month(month)),
        day=month.date(),
        rows=rows,
    )
    async with setup.db.direct_connection() as connection:
        async with connection.transaction():
            await connection.execute(filling)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    await asyncio.to_thread(os.sync)  # or the kernel writes it while questions are timed


async def _time(setup: Setup, question: Question) -> float:
    begun = time.perf_counter()
    for _ in range(ASKED):
        await question(setup)
    return (time.perf_counter() - begun) / ASKED * 1e6
