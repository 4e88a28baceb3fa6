"""A schema of one's own: its role reaches nothing else, and a statement is one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from wompcore.config import DatabaseSettings
from wompcore.db import Database, OwnSchema, drop_schema, look_at_schema, make_schema


@pytest.fixture
async def schema(db: Database) -> AsyncIterator[OwnSchema]:
    name = f"plugin_{db.url.rpartition('_')[2][:12]}"  # roles belong to the server, which tests share
    yield await make_schema(db, name)
    await drop_schema(db, name)


def name_of(schema: OwnSchema) -> str:
    return schema._entrance[0]


async def test_what_is_made_lands_in_the_schema(db: Database, schema: OwnSchema) -> None:
    await schema.execute("CREATE TABLE notes (id bigint PRIMARY KEY, text text)")
    assert await schema.execute("INSERT INTO notes VALUES (%s, %s), (2, 'b')", [1, "a"]) == 2
    assert await schema.fetch_all("SELECT * FROM notes ORDER BY id") == [(1, "a"), (2, "b")]
    assert await schema.fetch_one("SELECT text FROM notes WHERE id = 3") is None
    assert await schema.fetch_value("SELECT count(*) FROM notes") == 2
    assert await db.fetch_value(f"SELECT count(*) FROM {name_of(schema)}.notes") == 2


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM public.messages", "DELETE FROM public.consents", "CREATE TABLE public.x (id int)",
     "SET search_path = public; SELECT 1", "DROP TABLE public.people", "CREATE ROLE other"],
)  # fmt: skip
async def test_the_role_reaches_nothing_else(schema: OwnSchema, statement: str) -> None:
    with pytest.raises(psycopg.Error):
        await schema.execute(statement)  # type: ignore[arg-type] # literal, though mypy sees a str


async def test_two_schemas_do_not_see_each_other(db: Database, schema: OwnSchema) -> None:
    await schema.execute("CREATE TABLE secrets (id int)")
    other = await make_schema(db, f"{name_of(schema)}_b")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await other.fetch_all(f"SELECT * FROM {name_of(schema)}.secrets")  # type: ignore[arg-type] # as above
        with pytest.raises(psycopg.errors.UndefinedTable):
            await other.fetch_all("SELECT * FROM secrets")
    finally:
        await drop_schema(db, name_of(other))


async def test_nothing_of_the_role_stays_on_the_connection(database_settings: DatabaseSettings) -> None:
    settings = database_settings.model_copy(update={"pool_min": 2, "pool_max": 2})
    async with Database.open(settings) as db:
        schema = await make_schema(db, f"plugin_{db.url.rpartition('_')[2][:12]}")
        before = await db.fetch_one("SELECT current_user, current_setting('search_path')")
        for query in ("SELECT 1", "SELECT 1 / 0", "SELECT FROM nowhere"):
            try:
                await schema.fetch_all(query)  # type: ignore[arg-type] # as above
            except psycopg.Error:
                assert query != "SELECT 1"
            seen = {await db.fetch_one("SELECT current_user, current_setting('search_path')") for _ in "123"}
            assert seen == {before}
        await drop_schema(db, name_of(schema))


async def test_one_text_means_each_schemas_own_table(db: Database, schema: OwnSchema) -> None:
    other = await make_schema(db, f"{name_of(schema)}_c")
    try:
        await schema.execute("CREATE TABLE t (a int)")
        await other.execute("CREATE TABLE t (a int, b text)")
        for _ in range(12):  # past the point where a statement is prepared
            assert await schema.fetch_all("SELECT * FROM t WHERE a > %s", [0]) == []
            assert await other.fetch_all("SELECT * FROM t WHERE a > %s", [0]) == []
        await other.execute("INSERT INTO t VALUES (1, 'x')")
        assert await other.fetch_all("SELECT * FROM t WHERE a > %s", [0]) == [(1, "x")]
        assert await schema.fetch_all("SELECT * FROM t WHERE a > %s", [0]) == []
    finally:
        await drop_schema(db, name_of(other))


async def test_a_statement_is_one_round_trip(database_settings: DatabaseSettings, tmp_path: Path) -> None:
    settings = database_settings.model_copy(update={"pool_min": 2, "pool_max": 2})
    async with Database.open(settings) as db:
        schema = await make_schema(db, f"plugin_{db.url.rpartition('_')[2][:12]}")
        with (tmp_path / "trace").open("w+") as trace:
            async with db.connection() as one, db.connection() as other:
                for connection in (one, other):
                    connection.pgconn.trace(trace.fileno())
            assert await schema.fetch_value("SELECT 1 + %s", [1]) == 2
            async with db.connection() as one, db.connection() as other:
                for connection in (one, other):
                    connection.pgconn.untrace()
            trace.seek(0)
            directions = [line.split("\t")[1] for line in trace]
        await drop_schema(db, name_of(schema))
    answers = [key for key, _ in groupby(directions)]
    assert answers == ["F", "B"]  # all that is sent goes out before the first answer is read


async def test_a_transaction_is_all_or_nothing(schema: OwnSchema) -> None:
    await schema.execute("CREATE TABLE t (a int)")
    with suppress(RuntimeError):
        async with schema.transaction() as connection:
            await connection.execute("INSERT INTO t VALUES (1)")
            raise RuntimeError
    async with schema.transaction() as connection:
        await connection.execute("INSERT INTO t VALUES (2)")
    assert await schema.fetch_all("SELECT a FROM t") == [(2,)]


async def test_many_processes_may_make_it_at_once(db: Database) -> None:
    name = f"plugin_{db.url.rpartition('_')[2][:12]}_d"
    schemas = await asyncio.gather(*(make_schema(db, name) for _ in range(6)))
    for schema in schemas:
        assert await schema.fetch_value("SELECT current_user = %s", [name])
    assert await look_at_schema(db, name) == "whole"
    assert await drop_schema(db, name)
    assert await look_at_schema(db, name) == "missing"


async def test_what_somebody_else_owns_is_handed_over(db: Database, schema: OwnSchema) -> None:
    """A restored backup belongs to whoever restored it."""
    name = name_of(schema)
    await db.execute(f"CREATE TABLE {name}.old (id bigserial PRIMARY KEY, a int)")  # type: ignore[arg-type] # as above
    assert await look_at_schema(db, name) == "without_role"
    schema = await make_schema(db, name)
    await schema.execute("INSERT INTO old (a) VALUES (1)")
    assert await look_at_schema(db, name) == "whole"


async def test_without_the_right_to_make_roles_the_schema_serves_alone(db: Database) -> None:
    tag = db.url.rpartition("_")[2][:12]
    user, name = f"user_{tag}", f"plugin_{tag}_e"
    database = db.url.partition("?")[0].rpartition("/")[2]
    await db.execute(f"CREATE ROLE {user} LOGIN")  # type: ignore[arg-type] # as above
    await db.execute(f"GRANT CREATE ON DATABASE {database} TO {user}")  # type: ignore[arg-type] # as above
    url = make_conninfo(db.url, user=user)
    try:
        async with Database.open(DatabaseSettings(url=url)) as limited:
            schema = await make_schema(limited, name)
            await schema.execute("CREATE TABLE t (a int)")
            assert await schema.fetch_value("SELECT current_user") == user
            assert await limited.fetch_value(f"SELECT count(*) FROM {name}.t") == 0  # type: ignore[arg-type] # as above
            assert await look_at_schema(limited, name) == "without_role"
    finally:
        await drop_schema(db, name)
        await db.execute(f"DROP OWNED BY {user}")  # type: ignore[arg-type] # as above
        await db.execute(f"DROP ROLE {user}")  # type: ignore[arg-type] # as above


async def test_the_right_to_make_roles_is_enough(db: Database) -> None:
    tag = db.url.rpartition("_")[2][:12]
    user, name = f"maker_{tag}", f"plugin_{tag}_f"
    database = db.url.partition("?")[0].rpartition("/")[2]
    await db.execute(f"CREATE ROLE {user} LOGIN CREATEROLE")  # type: ignore[arg-type] # as above
    await db.execute(f"GRANT CREATE ON DATABASE {database} TO {user}")  # type: ignore[arg-type] # as above
    try:
        async with Database.open(DatabaseSettings(url=make_conninfo(db.url, user=user))) as limited:
            schema = await make_schema(limited, name)
            assert await schema.fetch_value("SELECT current_user") == name
            assert await look_at_schema(limited, name) == "whole"
            assert await drop_schema(limited, name)
    finally:
        await drop_schema(db, name)
        await db.execute(f"DROP OWNED BY {user}")  # type: ignore[arg-type] # as above
        await db.execute(f"DROP ROLE {user}")  # type: ignore[arg-type] # as above
