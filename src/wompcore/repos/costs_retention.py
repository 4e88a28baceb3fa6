"""Old entries are dropped by whole months; their totals stay."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import psycopg
from psycopg import AsyncConnection, sql

from wompcore.db import Database
from wompcore.errors import TotalsWrong
from wompcore.ids import month_of, next_month, snowflake_at, snowflake_time
from wompcore.repos.costs import HOLD_LEDGER, CostRepository
from wompcore.repos.partitions import partition_name

_OLDEST = "SELECT min(id) FROM cost_entries"
_WAIT = "SET LOCAL lock_timeout = '2s'"  # who reads for long keeps us waiting, and all others behind us
# A budget of period total goes on counting what is dropped.
_ROLL_UP = """
UPDATE budget_meters AS m SET rolled_up = m.rolled_up + e.spent
FROM (
    SELECT b.budget_id, b.key,
        sum(CASE b.unit WHEN 'usd' THEN e.cost_usd ELSE e.input_tokens::bigint + e.output_tokens END) AS spent
    FROM cost_entries AS e CROSS JOIN LATERAL budgets_of(entry_time(e.id), e.guild_id, e.channel_id,
        coalesce(e.person_id, e.payer_id), e.plugin, e.purpose, e.model) AS b
    WHERE e.id >= %(first)s AND e.id < %(end)s AND b.period = 'total'
    GROUP BY 1, 2
) AS e
WHERE m.budget_id = e.budget_id AND m.key = e.key AND m.starts_at = '-infinity'
"""
_CLOSE = "INSERT INTO cost_months_rolled_up (month) VALUES (%s) ON CONFLICT DO NOTHING"
_OTHERS = "DELETE FROM cost_entries WHERE id >= %(first)s AND id < %(end)s"
_OLD_METERS = (
    "DELETE FROM budget_meters WHERE starts_at > '-infinity' AND starts_at < %s - interval '2 months'"
)
_OLD_CROSSINGS = "DELETE FROM budget_crossings WHERE delivered_at < %s - interval '2 months'"

_log = logging.getLogger(__name__)


class CostRetention:
    """Drops old entries.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._totals = CostRepository(db)

    async def keep(self, months: int, now: datetime) -> list[datetime]:
        """Keep the current month and so many before it, and drop the others as :meth:`drop_before` does.

        Args:
            months: 0 or more.
            now: Any moment of the current month.
        """
        first = month_of(now)
        for _ in range(months):
            first = month_of(first - timedelta(days=1))
        return await self.drop_before(first)

    async def drop_before(self, month: datetime) -> list[datetime]:
        """Drop the entries of all months before one, oldest first, and return those months.

        Their running totals stay as they are. A month that is in use for too long is left, with all
        later ones, to the next time. Any number of processes may do it at once.

        Args:
            month: Any moment of the first month that is kept.

        Raises:
            TotalsWrong: A month's totals are not the sums of its entries; nothing of it was dropped.
        """
        dropped: list[datetime] = []
        while (oldest := await self._db.fetch_value(_OLDEST)) is not None:
            begin = month_of(snowflake_time(oldest))
            if begin >= month_of(month) or not await self._drop(begin):
                break
            dropped.append(begin)
        await self._db.execute(_OLD_METERS, (month_of(month),))
        await self._db.execute(_OLD_CROSSINGS, (month_of(month),))
        return dropped

    async def _drop(self, month: datetime) -> bool:
        if wrong := await self._totals.check_totals(month):
            raise TotalsWrong(f"{len(wrong)} totals of {month:%B %Y} are not the sums of its entries")
        try:
            async with self._db.transaction() as connection:
                await connection.execute(_WAIT)
                await connection.execute(HOLD_LEDGER)
                await self._roll_up_and_drop(connection, month)
        except psycopg.errors.LockNotAvailable:
            _log.info("the costs of %s are in use; they are dropped next time", f"{month:%B %Y}")
            return False
        return True

    async def _roll_up_and_drop(self, connection: AsyncConnection, month: datetime) -> None:
        bounds = {"first": snowflake_at(month), "end": snowflake_at(next_month(month))}
        await connection.execute(_ROLL_UP, bounds)
        await connection.execute(_CLOSE, (month.date(),))
        partition = sql.Identifier(partition_name("cost_entries", month))
        await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition))
        await connection.execute(_OTHERS, bounds)  # what came before the month had a partition
