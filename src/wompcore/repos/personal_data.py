"""What is kept about a person, table by table as the catalogue says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

from wompcore.db import Database, as_owner
from wompcore.holders import Holder

_BATCH = 100
# Rows of these tables are a person's only in part; what is declared for plugins has no such part.
_ONLY: Mapping[str, LiteralString] = {
    "public.budgets": "scope = 'person'",
    "public.budget_meters": "budget_id IN (SELECT id FROM budgets WHERE scope = 'person')",
    "public.budget_crossings": "budget_id IN (SELECT id FROM budgets WHERE scope = 'person')",
    "public.cost_totals": "scope = 'person'",
}
# The ledger forgets a person as a whole; docs/decisions/0006-a-person-leaves-the-ledger.md says why.
_LEDGER = frozenset({*_ONLY, "public.cost_entries", "public.cost_reservations"})
_FORGET_IN_LEDGER = "SELECT cost_forget_person(%s)"
_COLUMNS = """
SELECT a.attname, a.attnotnull, t.typcategory = 'S'
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
# A json value keeps the line ends that stand between its parts; each row is one line.
_ROWS = r"SELECT translate(row_to_json(r)::text, E'\n\r', '  ') FROM (SELECT {} FROM {} WHERE {}) AS r"
_NOTE = "INSERT INTO audit_log (at, action, person_id, by_id, details) VALUES (%s, %s, %s, %s, %s)"
_UNDECLARED = r"""
SELECT c.relname || '.' || a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('bigint'::regtype, 'numeric'::regtype)
    AND a.attname ~ '(^|_)(person|user|author|member|owner|creator|asker|by)(_id)?$'
    AND NOT c.relname || '.' || a.attname = ANY(%s)
ORDER BY 1
"""


class PersonalDataRepository:
    """Reads and erases a person's rows.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    @asynccontextmanager
    async def rows(self, holder: Holder, person_id: int) -> AsyncIterator[AsyncIterator[str]]:
        """Read a person's rows of one table, each as JSON, however many there are.

        A table that is gone has none.

        Args:
            holder: The table.
            person_id: Who.
        """
        columns = await self._columns(holder)
        shown = [name for name in holder.export_columns or columns if name in columns]
        if holder.person_column not in columns:
            yield _none()
            return
        query = sql.SQL(_ROWS).format(
            sql.SQL(", ").join(map(sql.Identifier, shown)), _table(holder), _is_of_person(holder)
        )
        # Rows come in batches from the server, inside one transaction.
        async with (
            self._db.transaction() as connection,
            as_owner(connection, holder.table),
            connection.cursor(name="personal_data") as cursor,
        ):
            cursor.itersize = _BATCH
            await cursor.execute(query, [str(person_id)])
            yield (row[0] async for row in cursor)

    async def erase(self, holder: Holder, person_id: int) -> int:
        """Do with a person's rows of one table what its declaration says, in one transaction.

        Returns:
            How many rows were touched; done again, none.
        """
        if holder.table in _LEDGER:
            first = (holder.table, holder.person_column) == ("public.cost_entries", "person_id")
            return int(await self._db.fetch_value(_FORGET_IN_LEDGER, [person_id])) if first else 0
        columns = await self._columns(holder)
        if holder.on_erase == "keep" or holder.person_column not in columns:
            return 0
        if holder.on_erase == "delete":
            query = sql.SQL("DELETE FROM {} WHERE {}").format(_table(holder), _is_of_person(holder))
        else:
            query = _blanking(holder, columns)
        async with self._db.transaction() as connection, as_owner(connection, holder.table):
            return (await connection.execute(query, [str(person_id)])).rowcount

    async def undeclared(self, schema: str, declared: Collection[Holder]) -> list[str]:
        """Return columns of a schema that look like a person's id and are not declared, ``table.column``.

        Args:
            schema: The schema.
            declared: What is declared.
        """
        known = [f"{holder.table.partition('.')[2]}.{holder.person_column}" for holder in declared]
        return [row[0] for row in await self._db.fetch_all(_UNDECLARED, [schema, known])]

    async def note(self, action: str, person_id: int, *, by_id: int, at: datetime, **details: Any) -> None:
        """Keep on record what was done with a person's data; never the data itself."""
        await self._db.execute(_NOTE, [at, action, person_id, by_id, Jsonb(details)])

    async def _columns(self, holder: Holder) -> dict[str, tuple[bool, bool]]:
        """Return a table's columns: whether each must have a value, and whether it holds text."""
        rows = await self._db.fetch_all(_COLUMNS, [holder.table])
        return {name: (required, is_text) for name, required, is_text in rows}


def _table(holder: Holder) -> sql.Identifier:
    return sql.Identifier(*holder.table.split(".", 1))


def _is_of_person(holder: Holder) -> sql.Composed:
    # The value goes as a text that the server reads as the column's type: ids are also keys of text.
    condition = sql.SQL("{} = %s").format(sql.Identifier(holder.person_column))
    if only := _ONLY.get(holder.table):
        condition += sql.SQL(" AND ") + sql.SQL(only)
    return condition


def _blanking(holder: Holder, columns: Mapping[str, tuple[bool, bool]]) -> sql.Composed:
    """Return the statement that empties columns, and takes the person's id away where it may be missing."""
    emptied = []
    for name in dict.fromkeys([*holder.text_columns, holder.person_column]):
        required, is_text = columns.get(name, (True, False))
        if not required:
            emptied.append(sql.SQL("{} = NULL").format(sql.Identifier(name)))
        elif is_text:
            emptied.append(sql.SQL("{} = ''").format(sql.Identifier(name)))
        elif name in holder.text_columns:
            emptied.append(sql.SQL("{} = DEFAULT").format(sql.Identifier(name)))
    return sql.SQL("UPDATE {} SET {} WHERE {}").format(
        _table(holder), sql.SQL(", ").join(emptied), _is_of_person(holder)
    )


async def _none() -> AsyncIterator[str]:
    nothing: tuple[str, ...] = ()
    for row in nothing:
        yield row
