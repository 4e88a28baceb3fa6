"""The ledger's statements: entries, and the running totals that every report is read from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from psycopg import AsyncConnection

from wompcore.db import Database
from wompcore.ids import month_of, next_month, snowflake_at
from wompcore.money import ZERO, Usd
from wompcore.repos.costs_ledger import ENTRY_COLUMNS, CostEntry, LedgerRepository

__all__ = ["CostEntry", "CostRepository", "CostTotal", "Scope"]

Scope = Literal["all", "guild", "channel", "person", "purpose", "model", "plugin", "day"]


@dataclass(frozen=True, slots=True)
class CostTotal:
    """A month's sum.

    Args:
        key: What was summed over: an id or a name, empty for everything.
        calls: How many calls.
        input_tokens: Tokens of their prompts.
        output_tokens: Tokens of their answers.
        cost_usd: What they cost.
    """

    key: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Usd


_TOTAL = "month, scope, key, guild_id, calls, input_tokens, output_tokens, cost_usd"

# What entries add to the totals, as the function cost_book does. The month is UTC.
_SUMS = """
SELECT date_trunc('month', entry_time(id) AT TIME ZONE 'UTC')::date AS month,
    scope, key, part.guild_id, count(*) AS calls, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
FROM entries AS e CROSS JOIN LATERAL cost_parts(
    e.id, e.guild_id, e.channel_id, e.person_id, e.plugin, e.purpose, e.model) AS part
GROUP BY 1, 2, 3, 4
"""
_MONTH_TOTAL = """
SELECT key, calls, input_tokens, output_tokens, cost_usd FROM cost_totals
WHERE month = %s AND scope = %s AND guild_id = %s AND key = %s
"""
_BY = """
SELECT key, calls, input_tokens, output_tokens, cost_usd FROM cost_totals
WHERE month = %s AND scope = %s AND guild_id = %s ORDER BY cost_usd DESC, calls DESC, key LIMIT %s
"""
_EVER = """
SELECT key, sum(calls)::bigint, sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(cost_usd)
FROM cost_totals WHERE scope = 'purpose' AND guild_id = 0 GROUP BY key
"""
_ENTRIES = f"""
SELECT {", ".join(ENTRY_COLUMNS)} FROM cost_entries
WHERE id > %(after)s AND id < %(end)s AND (%(guild)s = 0 OR guild_id = %(guild)s) ORDER BY id LIMIT %(limit)s
"""
_OF_MONTH = "WITH entries AS (SELECT * FROM cost_entries WHERE id >= %(first)s AND id < %(end)s)"
HOLD_LEDGER = "LOCK TABLE cost_reservations IN SHARE ROW EXCLUSIVE MODE"
"""Waits for everybody who reserves or settles and keeps others out; each of them locks this table first."""

_MONTHS = """
SELECT DISTINCT month FROM cost_totals
UNION
SELECT generate_series(date_trunc('month', entry_time(min(id)) AT TIME ZONE 'UTC'),
    date_trunc('month', entry_time(max(id)) AT TIME ZONE 'UTC'), interval '1 month')::date
FROM cost_entries
ORDER BY 1
"""
_ROLLED_UP = "SELECT EXISTS (SELECT FROM cost_months_rolled_up WHERE month = %s)"
_CLEAR = "DELETE FROM cost_totals WHERE month = %s"
_REBUILD = f"{_OF_MONTH} INSERT INTO cost_totals ({_TOTAL}) {_SUMS}"
_CHECK = f"""
{_OF_MONTH}, sums AS ({_SUMS}),
totals AS (SELECT {_TOTAL} FROM cost_totals WHERE month = %(month)s AND calls <> 0)
SELECT DISTINCT scope, key, guild_id FROM (
    (TABLE sums EXCEPT TABLE totals) UNION ALL (TABLE totals EXCEPT TABLE sums)
) AS different ORDER BY 1, 2, 3
"""


class CostRepository(LedgerRepository):
    """Writes entries and reads totals. A month is named by any moment in it; months are UTC.

    Args:
        db: The open database.
    """

    async def month_total(
        self, month: datetime, scope: Scope = "all", key: str = "", guild_id: int = 0
    ) -> CostTotal:
        """Return the sum of one scope.

        Args:
            month: The month.
            scope: What to sum over.
            key: The scope's id or name; empty for everything.
            guild_id: Only inside this guild; 0 for everywhere.
        """
        row = await self._db.fetch_one(_MONTH_TOTAL, (_first_day(month), scope, guild_id, key))
        return CostTotal(*row) if row else CostTotal(key, 0, 0, 0, ZERO)

    async def by_guild(self, month: datetime, *, limit: int = 10) -> list[CostTotal]:
        """Return the dearest guilds of a month, dearest first."""
        return await self._by("guild", 0, month, limit)

    async def by_person(self, guild_id: int, month: datetime, *, limit: int = 10) -> list[CostTotal]:
        """Return the people calls were made for, dearest first.

        Args:
            guild_id: Only inside this guild; 0 for everywhere.
            month: The month.
            limit: How many at most.
        """
        return await self._by("person", guild_id, month, limit)

    async def by_purpose(self, guild_id: int, month: datetime, *, limit: int = 10) -> list[CostTotal]:
        """Return what calls were made for, dearest first; arguments as for :meth:`by_person`."""
        return await self._by("purpose", guild_id, month, limit)

    async def by_model(self, guild_id: int, month: datetime, *, limit: int = 10) -> list[CostTotal]:
        """Return the models that were called, dearest first; arguments as for :meth:`by_person`."""
        return await self._by("model", guild_id, month, limit)

    async def by_plugin(self, guild_id: int, month: datetime, *, limit: int = 10) -> list[CostTotal]:
        """Return the plugins that called, dearest first; arguments as for :meth:`by_person`."""
        return await self._by("plugin", guild_id, month, limit)

    async def by_channel(self, guild_id: int, month: datetime, *, limit: int = 10) -> list[CostTotal]:
        """Return the channels calls were made in, dearest first; arguments as for :meth:`by_person`.

        Private channels are not among them.
        """
        return await self._by("channel", guild_id, month, limit)

    async def by_day(self, guild_id: int, month: datetime) -> dict[date, CostTotal]:
        """Return the UTC days on which calls were made, in no order; arguments as for :meth:`by_person`."""
        days = await self._by("day", guild_id, month, 31)
        return {date.fromisoformat(day.key): day for day in days}

    async def entries(
        self, month: datetime, guild_id: int = 0, *, after_id: int = 0, limit: int = 1000
    ) -> list[CostEntry]:
        """Return a page of a month's calls, the oldest first.

        Args:
            month: The month.
            guild_id: Only inside this guild; 0 for everywhere.
            after_id: The last entry of the page before.
            limit: How many at most.
        """
        bounds = _bounds(month)
        after = max(after_id, bounds["first"] - 1)
        values = {"after": after, "end": bounds["end"], "guild": guild_id, "limit": limit}
        return [CostEntry(*row) for row in await self._db.fetch_all(_ENTRIES, values)]

    async def ever_by_purpose(self) -> dict[str, CostTotal]:
        """Return what calls were made for since the database was made."""
        return {row[0]: CostTotal(*row) for row in await self._db.fetch_all(_EVER)}

    async def forget_person(self, person_id: int) -> int:
        """Take a person out of the ledger in one transaction, and return how many entries named them.

        Entries and reservations lose the person; the person's own totals, budgets, meters and crossings
        go. What was spent stays in every other total, so totals and entries still agree. Nobody reserves
        or settles meanwhile. In another transaction: ``SELECT cost_forget_person(id)``.
        """
        return int(await self._db.fetch_value("SELECT cost_forget_person(%s)", (person_id,)))

    async def months(self) -> list[datetime]:
        """Return the first instant of every month that has totals or may have entries, oldest first."""
        return [datetime.combine(day, time(), UTC) for (day,) in await self._db.fetch_all(_MONTHS)]

    async def rebuild_totals(self, month: datetime) -> None:
        """Sum a month's entries anew and put that in place of its totals.

        A month whose entries were dropped keeps its totals.
        """
        async with ledger_held(self._db) as connection:
            cursor = await connection.execute(_ROLLED_UP, (_first_day(month),))
            if await cursor.fetchone() == (True,):
                return
            await connection.execute(_CLEAR, (_first_day(month),))
            await connection.execute(_REBUILD, _bounds(month))

    async def check_totals(self, month: datetime) -> list[tuple[Scope, str, int]]:
        """Compare a month's totals with its entries.

        Returns:
            Scope, key and guild of each total that is not the sum of its entries; empty when all are,
            and for a month whose entries were dropped.
        """
        if await self._db.fetch_value(_ROLLED_UP, (_first_day(month),)):
            return []
        values = {"month": _first_day(month), **_bounds(month)}
        async with self._db.direct_connection() as connection:  # it may take longer than a statement may
            cursor = await connection.execute(_CHECK, values)
            return [(scope, key, guild) for scope, key, guild in await cursor.fetchall()]

    async def _by(self, scope: Scope, guild_id: int, month: datetime, limit: int) -> list[CostTotal]:
        rows = await self._db.fetch_all(_BY, (_first_day(month), scope, guild_id, limit))
        return [CostTotal(*row) for row in rows]


@asynccontextmanager
async def ledger_held(db: Database) -> AsyncIterator[AsyncConnection[Any]]:
    """Open a transaction in which nobody else reserves or settles, and that may take its time.

    Args:
        db: The open database.
    """
    async with db.direct_connection() as connection, connection.transaction():
        await connection.execute(HOLD_LEDGER)
        yield connection


def _first_day(month: datetime) -> str:
    return month_of(month).date().isoformat()


def _bounds(month: datetime) -> dict[str, int]:
    first = month_of(month)
    return {"first": snowflake_at(first), "end": snowflake_at(next_month(first))}
