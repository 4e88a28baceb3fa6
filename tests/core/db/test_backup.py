from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wompcore.db import Database, backup, restore
from wompcore.errors import BackupFailed, DatabaseNotEmpty, DatabaseUnavailable
from wompcore.testing.database import ThrowawayServer


@pytest.fixture
async def source(db: Database) -> Database:
    await db.execute("INSERT INTO people (id, name) SELECT n, 'person ' || n FROM generate_series(1, 500) n")
    await db.execute("CREATE SCHEMA plugin_pets")
    await db.execute("CREATE TABLE plugin_pets.cats (id int PRIMARY KEY, noise text)")
    noise = [f"{random.random()}\n\t\\." for _ in range(2000)]
    async with db.connection() as connection, connection.cursor() as cursor:
        await cursor.executemany("INSERT INTO plugin_pets.cats VALUES (%s, %s)", list(enumerate(noise)))
    return db


@pytest.fixture
async def target(postgres: ThrowawayServer) -> AsyncIterator[Database]:
    with postgres.database(template="template1") as settings:
        async with Database.open(settings) as db:
            yield db


async def content(db: Database) -> list[object]:
    query = (
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|infor)' ORDER BY 1"
    )
    tables = await db.fetch_all(query)
    cats = await db.fetch_all("SELECT * FROM plugin_pets.cats ORDER BY id")
    return [tables, cats, await db.fetch_all("SELECT id, name FROM people ORDER BY id")]


async def test_a_restored_database_holds_what_was_backed_up(
    source: Database, target: Database, tmp_path: Path
) -> None:
    file = tmp_path / "womp.backup"
    await backup(source.url, file)
    await restore(target.url, file)
    assert await content(target) == await content(source)
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == [file.name]


async def test_a_database_that_holds_something_is_not_touched_unasked(
    source: Database, tmp_path: Path
) -> None:
    await backup(source.url, tmp_path / "womp.backup")
    before = await content(source)
    with pytest.raises(DatabaseNotEmpty) as caught:
        await restore(source.url, tmp_path / "womp.backup")
    assert caught.value.hint
    assert await content(source) == before


async def test_what_is_there_is_replaced_when_asked(source: Database, tmp_path: Path) -> None:
    await backup(source.url, tmp_path / "womp.backup")
    before = await content(source)
    await source.execute("DELETE FROM people")
    await source.execute("CREATE TABLE newer (id int)")
    await source.execute("CREATE SCHEMA plugin_newer")
    await restore(source.url, tmp_path / "womp.backup", replace=True)
    assert await content(source) == before
    await source.execute("CREATE TABLE after (id int)")


async def test_a_broken_backup_changes_nothing(source: Database, tmp_path: Path) -> None:
    file = tmp_path / "womp.backup"
    await backup(source.url, file)
    before = await content(source)
    whole = file.read_bytes()
    for kept in (len(whole) // 2, len(whole) - 100, 3, 0):
        file.write_bytes(whole[:kept])
        with pytest.raises(BackupFailed) as caught:
            await restore(source.url, file, replace=True)
        assert "\n" not in caught.value.message
        assert await content(source) == before


async def test_a_database_in_use_is_said_to_be_in_use(source: Database, tmp_path: Path) -> None:
    file = tmp_path / "womp.backup"
    await backup(source.url, file)
    async with source.transaction() as connection:
        await connection.execute("SELECT * FROM people")
        with pytest.raises(BackupFailed) as caught:
            await restore(source.url, file, replace=True)
    assert "Stop every bot" in caught.value.hint


async def test_a_backup_that_fails_leaves_the_last_one(source: Database, tmp_path: Path) -> None:
    file = tmp_path / "womp.backup"
    file.write_text("the last one")
    with pytest.raises(DatabaseUnavailable):
        await backup(source.url + "x", file)
    await source.execute("CREATE ROLE weak LOGIN")
    try:
        with pytest.raises(BackupFailed, match="permission denied"):
            await backup(source.url.replace("postgres@", "weak@"), file)
    finally:
        await source.execute("DROP ROLE weak")
    assert file.read_text() == "the last one"
    assert os.listdir(tmp_path) == ["womp.backup"]


async def test_a_folder_that_does_not_exist_is_a_clear_error(db: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="cannot be written"):
        await backup(db.url, tmp_path / "missing" / "womp.backup")
    with pytest.raises(BackupFailed, match="No such file"):
        await restore(db.url, tmp_path / "missing", replace=True)
