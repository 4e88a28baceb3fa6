from __future__ import annotations

import asyncio

import psycopg
import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.errors import DatabaseReadOnly, NotOpen, PoolExhausted, StatementTimedOut


async def test_a_statement_returns_its_rows(db: Database) -> None:
    assert await db.fetch_all("SELECT * FROM generate_series(1, %s)", [3]) == [(1,), (2,), (3,)]
    assert await db.fetch_one("SELECT 1, 'a'") == (1, "a")
    assert await db.fetch_one("SELECT 1 WHERE false") is None
    assert await db.fetch_value("SELECT 1 WHERE false") is None
    assert await db.execute("INSERT INTO people (id) VALUES (1), (2)") == 2


async def test_every_statement_is_counted_whoever_sends_it(db: Database) -> None:
    before = db.statements
    await db.execute("SELECT 1")
    async with db.pool.connection() as connection, connection.cursor() as cursor:
        await cursor.executemany("SELECT %s", [[1], [2]])
    async with db.transaction() as connection:
        await connection.execute("SELECT 1")
    assert db.statements - before == 1 + 2 + 3


async def test_a_transaction_is_undone_by_an_error(db: Database) -> None:
    async def fail() -> None:
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO people (id) VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await db.fetch_value("SELECT count(*) FROM people") == 0


async def test_an_error_in_the_data_comes_out_as_the_drivers_own(db: Database) -> None:
    await db.execute("INSERT INTO people (id) VALUES (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await db.execute("INSERT INTO people (id) VALUES (1)")
    assert await db.fetch_value("SELECT 1") == 1


@pytest.mark.parametrize("ticks", range(10))
async def test_a_cancellation_is_kept_when_a_connection_comes_free_at_that_moment(
    database_settings: DatabaseSettings, ticks: int
) -> None:
    settings = database_settings.model_copy(update={"pool_min": 1, "pool_max": 1})

    async def work() -> None:
        while True:
            await db.execute("SELECT 1")

    async with Database.open(settings) as db:
        async with db.connection():
            working = asyncio.create_task(work())
            while not db.pool.get_stats().get("requests_queued"):  # noqa: ASYNC110 # nobody tells
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
        for _ in range(ticks):
            await asyncio.sleep(0)
        working.cancel()
        await asyncio.wait([working], timeout=5)
        assert working.cancelled()
        assert await db.fetch_value("SELECT 1") == 1  # and the only connection is back


async def test_a_statement_that_runs_too_long_is_ended(database_settings: DatabaseSettings) -> None:
    settings = database_settings.model_copy(update={"statement_timeout_s": 0.05})
    async with Database.open(settings) as db:
        with pytest.raises(StatementTimedOut):
            await db.execute("SELECT pg_sleep(10)")
        assert await db.fetch_value("SELECT 1") == 1


async def test_a_direct_connection_has_no_statement_timeout(database_settings: DatabaseSettings) -> None:
    async with Database.open(database_settings) as db, db.direct_connection() as connection:
        cursor = await connection.execute("SHOW statement_timeout")
        assert await cursor.fetchone() == ("0",)


async def test_with_a_pooler_the_timeout_is_set_on_the_role(database_settings: DatabaseSettings) -> None:
    past_pooler = database_settings.url + "&application_name=past_pooler"
    settings = database_settings.model_copy(update={"direct_url": past_pooler})
    async with Database.open(settings) as db:
        assert await db.fetch_value("SHOW statement_timeout") == "30s"
        for _ in range(10):
            await db.execute("SELECT 1")
        assert await db.fetch_value("SELECT count(*) FROM pg_prepared_statements") == 0


async def test_a_pool_that_stays_empty_is_a_clear_error(database_settings: DatabaseSettings) -> None:
    settings = database_settings.model_copy(update={"pool_max": 2, "checkout_timeout_s": 0.1})
    async with Database.open(settings) as db, db.connection(), db.connection():
        with pytest.raises(PoolExhausted) as caught:
            await db.execute("SELECT 1")
        assert "pool_max" in caught.value.hint


async def test_more_callers_than_connections_take_turns(database_settings: DatabaseSettings) -> None:
    settings = database_settings.model_copy(update={"pool_max": 3})
    async with Database.open(settings) as db:
        answers = await asyncio.gather(*(db.fetch_value("SELECT %s::int", [n]) for n in range(100)))
        assert answers == list(range(100))
        assert db.pool.get_stats()["pool_size"] <= 3


async def test_a_cancelled_call_gives_its_connection_back(database_settings: DatabaseSettings) -> None:
    settings = database_settings.model_copy(update={"pool_max": 2})
    async with Database.open(settings) as db:
        calls = [asyncio.create_task(db.execute("SELECT pg_sleep(10)")) for _ in range(5)]
        await asyncio.sleep(0.05)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert await asyncio.gather(*(db.fetch_value("SELECT 1") for _ in range(4))) == [1] * 4


async def test_a_write_on_a_standby_is_told_apart(db: Database) -> None:
    async def write() -> None:
        async with db.transaction() as connection:
            await connection.execute("SET TRANSACTION READ ONLY")
            await connection.execute("INSERT INTO people (id) VALUES (1)")

    with pytest.raises(DatabaseReadOnly):
        await write()


async def test_a_closed_database_says_so(database_settings: DatabaseSettings) -> None:
    async with Database.open(database_settings) as db:
        pass
    with pytest.raises(NotOpen):
        await db.execute("SELECT 1")


async def test_the_connection_that_was_used_last_is_used_again(db: Database) -> None:
    async with db.connection(), db.connection(), db.connection() as last:
        newest = last.info.backend_pid
    async with db.connection() as one:
        first = one.info.backend_pid
    async with db.connection() as one:
        assert one.info.backend_pid == first
    assert newest != first  # three were idle; the newest was given back first
