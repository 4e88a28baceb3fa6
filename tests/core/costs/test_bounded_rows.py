"""What the ledger reads for one call does not grow with what it holds.

Its statements are functions, whose plans EXPLAIN does not show; so the server's own counters are asked
how many rows a reserve and a settle touched. The connection makes its plans while every table is empty.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings, Price
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook
from wompcore.db import Database
from wompcore.ids import EntryIds, month_of, snowflake_at
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.repos.partitions import PartitionRepository
from wompcore.usage import Attribution, Purpose, Usage

ROWS = 1_000_000 if os.environ.get("WOMPBOT_ENDURANCE") else 20_000
BOUND = 200
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHO = Attribution(Purpose.CHAT, plugin="chat", guild_id=7, channel_id=8, person_id=9, message_id=10)
BOOK = PriceBook(CostSettings(default_price=Price(input=Decimal(1), output=Decimal(1))), {})
CALL = Call("p", "m", WHO, max_input_tokens=1_000)
LARGE = Decimal(1_000_000_000)
BUDGETS = [
    Budget(scope, key, period, action="refuse", amount=LARGE, alert_step=Decimal(1))  # type: ignore[arg-type] # a table
    for period in ("hour", "day", "month", "total")
    for scope, key in (("all", ""), ("guild", "7"), ("person", "*"))
]
FILL = (
    "INSERT INTO cost_entries (id, provider, model, purpose, person_id, message_id, input_tokens,"
    " output_tokens, cost_usd, price_source, outcome)"
    " SELECT %(first)s + n, 'p', 'm', 'chat', n, n, 1, 1, 0.01, 'table', 'swept'"
    " FROM generate_series(1, %(rows)s) n",
    "INSERT INTO cost_totals (month, scope, key) SELECT %(month)s, 'person', n::text"
    " FROM generate_series(100, %(rows)s) n",
    "INSERT INTO cost_reservations (id, provider, model, purpose, person_id, input_tokens, output_tokens,"
    " cost_usd, price_source, outcome, expected_usd, expected_tokens, expires_at)"
    " SELECT -n, 'p', 'm', 'chat', n, 1, 1, 0.01, 'table', 'swept', 0, 0, 'infinity'"
    " FROM generate_series(1, %(rows)s) n",
    "INSERT INTO budgets (scope, key, period, zone, unit, action, amount, alert_percents, set_at)"
    " SELECT 'channel', (100 + n)::text, 'month', 'UTC', 'usd', 'refuse', 1, '{50}', now()"
    " FROM generate_series(1, %(rows)s / 10) n",
    "INSERT INTO budget_meters (budget_id, key, starts_at) SELECT b.id, (100 + n)::text, %(now)s"
    " FROM budgets b, generate_series(1, %(rows)s / 10) n WHERE b.key = '*'",
)
TOUCHED = """
SELECT coalesce(sum(seq_tup_read), 0)::bigint, coalesce(sum(idx_tup_fetch), 0)::bigint
FROM pg_stat_xact_user_tables
"""


class OneTransaction:
    """A database whose statements all run on one connection, in one transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch_one(self, query: str, params: Any = None) -> Any:
        return await (await self._connection.execute(query, params)).fetchone()

    async def fetch_value(self, query: str, params: Any = None) -> Any:
        return (await self.fetch_one(query, params))[0]


@pytest.mark.endurance
@pytest.mark.timeout(600)
async def test_a_call_touches_few_rows_however_many_there_are(db: Database) -> None:
    await PartitionRepository(db).ensure(NOW)
    clock = SteppedClock(NOW)
    for budget in BUDGETS:
        await Budgets(BudgetRepository(db), clock).set(budget)
    async with db.direct_connection() as connection:
        await _pair(connection, clock)
        values = {
            "first": snowflake_at(month_of(NOW)),
            "month": NOW.date().replace(day=1),
            "rows": ROWS,
            "now": NOW,
        }
        for statement in FILL:
            await connection.execute(statement, values)
        read, fetched = await _pair(connection, clock)
    assert read == 0
    assert 0 < fetched <= BOUND


async def _pair(connection: Any, clock: SteppedClock) -> tuple[int, int]:
    """Reserve a call and settle it; return the rows read from end to end, and those fetched by an index."""
    async with connection.transaction():
        before = await _touched(connection)
        ledger = Ledger(CostRepository(cast(Database, OneTransaction(connection))), BOOK, EntryIds(1), clock)
        [reservation] = await ledger.reserve([CALL])
        await ledger.settle([(reservation, Usage(500))])
        await ledger.close()
        after = await _touched(connection)
    return after[0] - before[0], after[1] - before[1]


async def _touched(connection: Any) -> tuple[int, int]:
    # What the session has not reported yet of earlier transactions is counted with this one's.
    read, fetched = await (await connection.execute(TOUCHED)).fetchone()
    return int(read), int(fetched)
