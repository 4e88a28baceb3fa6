"""The ledger's statements: entries, and the running totals that every report is read from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Literal

import psycopg

from wompcore.db import Database
from wompcore.errors import RowsRefused
from wompcore.ids import month_of, next_month, snowflake_at
from wompcore.money import ZERO, Usd

Scope = Literal["all", "guild", "person", "purpose", "model", "plugin"]


@dataclass(frozen=True, slots=True)
class CostEntry:
    """One call as it is recorded; the fields are the table's columns."""

    id: int
    provider: str
    model: str
    purpose: str
    plugin: str | None
    guild_id: int | None
    channel_id: int | None
    person_id: int | None
    message_id: int | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: Usd
    price_source: str
    estimated: bool
    outcome: str


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


_ENTRY = ", ".join(field.name for field in fields(CostEntry))
_TOTAL = "month, scope, key, guild_id, calls, input_tokens, output_tokens, cost_usd"

# What entries add to the totals. Each counts everywhere (guild_id 0) and, in a guild, once more there,
# so that a guild's admins can be shown their own. The month is UTC and comes from the id.
_SUMS = """
SELECT date_trunc('month', timestamp '2015-01-01' + (id >> 22) * interval '1 millisecond')::date AS month,
    scope, key, part.guild_id, count(*) AS calls, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
FROM entries AS e CROSS JOIN LATERAL (VALUES
    ('all', '', 0::bigint), ('guild', e.guild_id::text, 0),
    ('person', e.person_id::text, 0), ('person', e.person_id::text, e.guild_id),
    ('purpose', e.purpose, 0), ('purpose', e.purpose, e.guild_id),
    ('model', e.model, 0), ('model', e.model, e.guild_id),
    ('plugin', e.plugin, 0), ('plugin', e.plugin, e.guild_id)
) AS part (scope, key, guild_id)
WHERE key IS NOT NULL AND part.guild_id IS NOT NULL
GROUP BY 1, 2, 3, 4
"""
# Totals are locked in one order by every writer, so settles never deadlock; and only after all
# entries are in, since sorting reads them to the end.
_RECORD = f"""
WITH entries AS (
    INSERT INTO cost_entries ({_ENTRY})
    SELECT {_ENTRY} FROM json_to_recordset(%s::json) AS r (id bigint, provider text, model text, purpose text,
        plugin text, guild_id bigint, channel_id bigint, person_id bigint, message_id bigint,
        input_tokens integer, output_tokens integer, cached_tokens integer, cost_usd numeric,
        price_source text, estimated boolean, outcome text)
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING *
)
INSERT INTO cost_totals AS t ({_TOTAL}) {_SUMS} ORDER BY month, scope, guild_id, key
ON CONFLICT (month, scope, guild_id, key) DO UPDATE SET calls = t.calls + excluded.calls,
    input_tokens = t.input_tokens + excluded.input_tokens,
    output_tokens = t.output_tokens + excluded.output_tokens, cost_usd = t.cost_usd + excluded.cost_usd
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
_OF_MONTH = "WITH entries AS (SELECT * FROM cost_entries WHERE id >= %(first)s AND id < %(end)s)"
# Waits for the settles that are writing and keeps new ones out; each of them touches this table.
_HOLD_TOTALS = "LOCK TABLE cost_totals IN SHARE ROW EXCLUSIVE MODE"
_CLEAR = "DELETE FROM cost_totals WHERE month = %s"
_REBUILD = f"{_OF_MONTH} INSERT INTO cost_totals ({_TOTAL}) {_SUMS}"
_CHECK = f"""
{_OF_MONTH}, sums AS ({_SUMS}), totals AS (SELECT {_TOTAL} FROM cost_totals WHERE month = %(month)s)
SELECT DISTINCT scope, key, guild_id FROM (
    (TABLE sums EXCEPT TABLE totals) UNION ALL (TABLE totals EXCEPT TABLE sums)
) AS different ORDER BY 1, 2, 3
"""


class CostRepository:
    """Writes entries and reads totals. A month is named by any moment in it; months are UTC.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def record(self, entries: Sequence[CostEntry]) -> None:
        """Write entries and add them to the totals, in one statement.

        An entry that is there already changes nothing.

        Raises:
            RowsRefused: At least one entry's data is refused; nothing was written.
        """
        try:
            await self._db.execute(_RECORD, (json.dumps([asdict(entry) for entry in entries], default=str),))
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise RowsRefused(str(error).split("\n", 1)[0]) from error

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

    async def ever_by_purpose(self) -> dict[str, CostTotal]:
        """Return what calls were made for since the database was made."""
        return {row[0]: CostTotal(*row) for row in await self._db.fetch_all(_EVER)}

    async def rebuild_totals(self, month: datetime) -> None:
        """Sum a month's entries anew and put that in place of its totals."""
        async with self._db.transaction() as connection:
            await connection.execute(_HOLD_TOTALS)
            await connection.execute(_CLEAR, (_first_day(month),))
            await connection.execute(_REBUILD, _bounds(month))

    async def check_totals(self, month: datetime) -> list[tuple[Scope, str, int]]:
        """Compare a month's totals with its entries.

        Returns:
            Scope, key and guild of each total that is not the sum of its entries; empty when all are.
        """
        values = {"month": _first_day(month), **_bounds(month)}
        return [(scope, key, guild) for scope, key, guild in await self._db.fetch_all(_CHECK, values)]

    async def _by(self, scope: Scope, guild_id: int, month: datetime, limit: int) -> list[CostTotal]:
        rows = await self._db.fetch_all(_BY, (_first_day(month), scope, guild_id, limit))
        return [CostTotal(*row) for row in rows]


def _first_day(month: datetime) -> str:
    return month_of(month).date().isoformat()


def _bounds(month: datetime) -> dict[str, int]:
    first = month_of(month)
    return {"first": snowflake_at(first), "end": snowflake_at(next_month(first))}
