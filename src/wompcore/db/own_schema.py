"""A schema of somebody's own, reached under a role of its own.

A guard against mistakes, not a sandbox: whoever shares the process shares its rights.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.abc import Params

from wompcore.db.database import Database, Row, Statement
from wompcore.errors import DatabaseError

_log = logging.getLogger(__name__)

# Since PostgreSQL 16 whoever makes a role is its member, and yet may not take it on until that is granted.
_TAKE_ON = "CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END"
_RELATIONS = """
    FROM pg_class c
    WHERE c.relnamespace = to_regnamespace(%(name)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        AND c.relowner IS DISTINCT FROM to_regrole(%(name)s)
        AND NOT EXISTS (  -- a sequence that belongs to a column goes with its table
            SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)
"""
_SOMEBODY_ELSES = f"SELECT c.relkind, c.relname {_RELATIONS}"
_IS_WHOLE = f"""
SELECT pg_has_role(current_user, r.oid, {_TAKE_ON})
    AND EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = %(name)s AND n.nspowner = r.oid)
    AND NOT EXISTS (SELECT {_RELATIONS})
FROM pg_roles r WHERE r.rolname = %(name)s
"""
_ENTER = "SELECT set_config('role', %s, true), set_config('search_path', %s, true)"
_AS_OWNER = f"""
SELECT set_config('role', pg_get_userbyid(c.relowner), true),
    set_config('search_path', quote_ident(n.nspname) || ', pg_temp', true)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%s) AND pg_has_role(current_user, c.relowner, {_TAKE_ON})
"""
_AS_OURSELVES = "SET LOCAL ROLE NONE; SET LOCAL search_path TO DEFAULT"
_LOCK = 0x73636865  # "sche"; processes that start at once take turns
_KINDS = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "S": "SEQUENCE"}

SchemaState = Literal["whole", "without_role", "missing"]


class OwnSchema:
    """One schema of a database: its statements see nothing else.

    Each statement is one transaction and one round trip, sent together with what enters the role.
    Made by :func:`make_schema`.

    Args:
        db: The open database.
        name: The schema, and the role.
        guarded: Whether there is such a role.
    """

    def __init__(self, db: Database, name: str, *, guarded: bool) -> None:
        self._db = db
        self._entrance = (name if guarded else "none", f"{name}, pg_temp")

    async def enter(self, connection: AsyncConnection[Any]) -> None:
        """Take on the role, and see the schema, until the connection's transaction ends."""
        await connection.execute(_ENTER, self._entrance)

    async def execute(self, query: Statement, params: Params | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        return (await self._run(query, params)).rowcount

    async def fetch_all(self, query: Statement, params: Params | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        return await (await self._run(query, params)).fetchall()

    async def fetch_one(self, query: Statement, params: Params | None = None) -> Row | None:
        """Run one statement and return its first row, ``None`` when there is none."""
        row: Row | None = await (await self._run(query, params)).fetchone()
        return row

    async def fetch_value(self, query: Statement, params: Params | None = None) -> Any:
        """Run one statement and return its first row's first column, ``None`` when there is no row."""
        row = await self.fetch_one(query, params)
        return None if row is None else row[0]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Borrow a connection inside a transaction: committed at the end, rolled back on an error."""
        async with self._db.transaction() as connection:
            await self.enter(connection)
            yield connection

    async def _run(self, query: Statement, params: Params | None) -> AsyncCursor[Any]:
        async with self._db.connection() as connection, connection.pipeline():
            # What is sent up to the end of the block is one transaction, so the role ends with it.
            await self.enter(connection)
            # Not prepared: the same text may mean another schema's table on the same connection.
            return await connection.execute(query, params, prepare=False)


async def make_schema(db: Database, name: str) -> OwnSchema:
    """Make a schema and its role unless they are there; without the right to make roles, the schema only.

    Args:
        db: The open database.
        name: Both names: lower-case letters, digits and ``_``.

    Raises:
        DatabaseError: Not even a schema may be made.
    """
    if await db.fetch_value(_IS_WHOLE, {"name": name}):
        return OwnSchema(db, name, guarded=True)
    schema = sql.Identifier(name)
    async with db.direct_connection() as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # freed with the connection
        guarded = await _make_role(connection, name)
        try:
            await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            if guarded:
                await _hand_over(connection, name)
        except psycopg.errors.InsufficientPrivilege as error:
            hint = "Grant the role of database.url CREATE on its database."
            raise DatabaseError(f"the schema {name} cannot be made: {error}", hint=hint) from error
    return OwnSchema(db, name, guarded=guarded)


@asynccontextmanager
async def as_owner(connection: AsyncConnection[Any], table: str) -> AsyncIterator[None]:
    """Act as the owner of a table would, with the owner's rights and view of names.

    Functions in views, defaults and triggers run with the rights of whoever uses the table; those that a
    plugin made must not run with ours. After an error the transaction restores what was before.

    Args:
        connection: Inside a transaction.
        table: Its qualified name.
    """
    await connection.execute(_AS_OWNER, [table])
    yield
    await connection.execute(_AS_OURSELVES, prepare=False)  # two statements cannot be prepared as one


async def look_at_schema(db: Database, name: str) -> SchemaState:
    """Return how a schema is; changes nothing."""
    if await db.fetch_value(_IS_WHOLE, {"name": name}):
        return "whole"
    there = await db.fetch_value("SELECT to_regnamespace(%s) IS NOT NULL", [name])
    return "without_role" if there else "missing"


async def drop_schema(db: Database, name: str) -> bool:
    """Remove a schema, all that is in it, and its role.

    Returns:
        Whether the role is gone too; it stays when another database of the server uses it.
    """
    identifier = sql.Identifier(name)
    async with db.direct_connection() as connection:
        await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(identifier))
        try:
            await connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(identifier))
        except (psycopg.errors.DependentObjectsStillExist, psycopg.errors.InsufficientPrivilege):
            return False
    return True


async def _make_role(connection: AsyncConnection[Any], name: str) -> bool:
    """Make a role that we may take on; return whether that was possible."""
    role = sql.Identifier(name)
    try:
        # Roles belong to the whole server: another database, or process, may have made it.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            await connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(role))
        cursor = await connection.execute(f"SELECT pg_has_role(current_user, %s, {_TAKE_ON})", [name])
        if await cursor.fetchone() != (True,):
            await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    except psycopg.errors.InsufficientPrivilege as error:
        _log.warning("no role for the schema %s, its statements run under the bot's own: %s", name, error)
        return False
    return True


async def _hand_over(connection: AsyncConnection[Any], name: str) -> None:
    """Give the role its schema, and what a restored backup or a time without roles left to another."""
    role = sql.Identifier(name)
    await connection.execute(sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(role, role))
    things = await (await connection.execute(_SOMEBODY_ELSES, {"name": name})).fetchall()
    for kind, thing in things:
        statement = sql.SQL("ALTER {} {} OWNER TO {}")
        await connection.execute(statement.format(sql.SQL(_KINDS[kind]), sql.Identifier(name, thing), role))
