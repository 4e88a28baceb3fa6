"""Month partitions, made ahead of time.

Ids carry their time, so a month of a table is a range of ids. Rows of a month that has no partition
yet are in the default partition and move when it is made.
"""

from __future__ import annotations

import logging
from datetime import datetime

import psycopg
from psycopg import sql

from wompcore.db import Database
from wompcore.ids import month_of, next_month, snowflake_at

PARTITIONED = ("messages", "cost_entries")
"""Tables partitioned by ranges of ids."""

MONTHS_AHEAD = 3

_LOCK = 0x70617274  # "part"; partitions are made by one process at a time

_EXISTING = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY(%s::text[]::regclass[])
"""
# Writers are held off at the table itself, before they choose a partition: one that had chosen the
# default partition would be refused there after the attaching. Readers wait at the default partition.
# Who uses the table for long keeps us waiting, and all others behind us, so we do not wait for long.
_MAKE = sql.SQL("""
SET LOCAL lock_timeout = '2s';
LOCK TABLE ONLY {table} IN SHARE ROW EXCLUSIVE MODE;
LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE;
CREATE TABLE {month} (LIKE {table} INCLUDING ALL);
WITH moved AS (DELETE FROM {rest} WHERE id >= {first} AND id < {end} RETURNING *)
INSERT INTO {month} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION {month} FOR VALUES FROM ({first}) TO ({end});
""")

_log = logging.getLogger(__name__)


class PartitionRepository:
    """Makes partitions.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def ensure(self, now: datetime, *, ahead: int = MONTHS_AHEAD) -> list[str]:
        """Make the partitions of this month and the next ones that are missing.

        One statement when none is. Any number of processes may do it at once.

        Args:
            now: An aware time in the first month.
            ahead: How many months follow.

        Returns:
            The partitions that were made. One whose table was in use for too long is left to the
            next time; until then the default partition takes its rows.
        """
        months = [month_of(now)]
        for _ in range(ahead):
            months.append(next_month(months[-1]))
        existing = {name for (name,) in await self._db.fetch_all(_EXISTING, (list(PARTITIONED),))}
        wanted = [(table, month) for table in PARTITIONED for month in months]
        missing = [(table, month) for table, month in wanted if partition_name(table, month) not in existing]
        return [partition_name(*one) for one in missing if await self._make(*one)]

    async def _make(self, table: str, month: datetime) -> bool:
        name = partition_name(table, month)
        statements = _MAKE.format(
            table=sql.Identifier(table),
            rest=sql.Identifier(f"{table}_default"),
            month=sql.Identifier(name),
            first=sql.Literal(snowflake_at(month)),
            end=sql.Literal(snowflake_at(next_month(month))),
        )
        try:
            async with self._db.transaction() as connection:
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                cursor = await connection.execute("SELECT to_regclass(%s)", (name,))
                if await cursor.fetchone() != (None,):
                    return False
                await connection.execute(statements)
        except psycopg.errors.LockNotAvailable:
            _log.info("%s is in use; its partition %s is made next time", table, name)
            return False
        return True


def partition_name(table: str, month: datetime) -> str:
    """Return the name of a table's partition, such as ``messages_y2026m11``."""
    return f"{table}_y{month:%Y}m{month:%m}"
