from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import psycopg
import pytest

from wompcore.db import Database, Migration, migrate, migrations_in
from wompcore.errors import DatabaseError, MigrationChanged
from wompcore.testing.database import ThrowawayServer

FIRST = Migration("pets", 1, "cats", "CREATE TABLE cats (id int); INSERT INTO cats VALUES (1)")
SECOND = Migration("pets", 2, "dogs", "CREATE TABLE dogs (id int); COMMENT ON TABLE dogs IS 'say %s 100%'")

RACER = """
import asyncio, sys
from wompcore.config import DatabaseSettings
from wompcore.db import Database, Migration, migrate

STEP = "CREATE TABLE race_{} (id int); SELECT pg_sleep(0.02)"
STEPS = [Migration("race", n, "step", STEP.format(n)) for n in range(1, 6)]

async def main():
    async with Database.open(DatabaseSettings(url=sys.argv[1])) as db:
        print(len(await migrate(db, "race", STEPS)))

asyncio.run(main())
"""


@pytest.fixture
async def empty(postgres: ThrowawayServer) -> AsyncIterator[Database]:
    with postgres.database(template="template1") as settings:
        async with Database.open(settings) as db:
            yield db


async def test_each_migration_is_applied_once_and_in_order(empty: Database) -> None:
    assert await migrate(empty, "pets", [FIRST]) == ["pets/0001_cats"]
    assert await migrate(empty, "pets", [FIRST, SECOND]) == ["pets/0002_dogs"]
    assert await migrate(empty, "pets", [FIRST, SECOND]) == []
    assert await empty.fetch_value("SELECT count(*) FROM cats") == 1


async def test_owners_do_not_see_each_others_numbers(empty: Database) -> None:
    await migrate(empty, "pets", [FIRST])
    other = Migration("plants", 1, "trees", "CREATE TABLE trees (id int)")
    assert await migrate(empty, "plants", [other]) == ["plants/0001_trees"]


async def test_an_edited_migration_is_refused(empty: Database) -> None:
    await migrate(empty, "pets", [FIRST])
    edited = Migration("pets", 1, "cats", FIRST.sql + ";")
    with pytest.raises(MigrationChanged, match="pets/0001_cats") as caught:
        await migrate(empty, "pets", [edited, SECOND])
    assert caught.value.hint
    assert await empty.fetch_value("SELECT to_regclass('dogs')") is None


@pytest.mark.parametrize("numbers", [[2], [1, 3], [1, 1], [2, 1]])
async def test_a_gap_or_a_doubled_number_is_refused(empty: Database, numbers: list[int]) -> None:
    with pytest.raises(DatabaseError, match="is due"):
        await migrate(empty, "pets", [Migration("pets", n, "step", "SELECT 1") for n in numbers])


async def test_a_database_of_a_newer_version_is_refused(empty: Database) -> None:
    await migrate(empty, "pets", [FIRST, SECOND])
    with pytest.raises(DatabaseError, match="pets/0002_dogs") as caught:
        await migrate(empty, "pets", [FIRST])
    assert "newer" in caught.value.hint


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty: Database) -> None:
    broken = Migration("pets", 2, "broken", "CREATE TABLE dogs (id int); SELECT 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await migrate(empty, "pets", [FIRST, broken])
    assert await empty.fetch_value("SELECT to_regclass('dogs')") is None
    assert await migrate(empty, "pets", [FIRST, SECOND]) == ["pets/0002_dogs"]


async def test_tasks_that_start_at_once_take_turns(empty: Database) -> None:
    applied = await asyncio.gather(*(migrate(empty, "pets", [FIRST, SECOND]) for _ in range(5)))
    assert sorted(map(len, applied)) == [0, 0, 0, 0, 2]


async def test_processes_that_start_at_once_take_turns(empty: Database) -> None:
    race = [sys.executable, "-c", RACER, empty.url]
    racers = (asyncio.to_thread(subprocess.check_output, race, text=True) for _ in range(2))
    assert sorted(map(int, await asyncio.gather(*racers))) == [0, 5]


async def test_the_products_own_migrations_fill_an_empty_database(empty: Database) -> None:
    core = migrations_in("wompcore.repos")
    assert await migrate(empty, "core", core) == [str(migration) for migration in core]
    assert await empty.fetch_value("SELECT count(*) FROM messages") == 0
