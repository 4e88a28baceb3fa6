from __future__ import annotations

import socket
from pathlib import Path

import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.errors import (
    ConfigInvalid,
    DatabaseError,
    DatabaseReadOnly,
    DatabaseTooOld,
    DatabaseUnavailable,
    DataFolderUnusable,
    WompError,
)
from wompcore.testing.database import ThrowawayServer


async def refused(url: str) -> WompError:
    with pytest.raises(WompError) as caught:
        async with Database.open(DatabaseSettings(url=url)):
            pass
    error = caught.value
    assert "\n" not in error.message
    assert error.hint
    assert "secret" not in f"{error.message}{error.hint}"
    return error


async def test_a_port_where_nothing_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        error = await refused(f"postgresql://womp:secret@127.0.0.1:{port}/womp")
    assert isinstance(error, DatabaseUnavailable)
    assert f"127.0.0.1:{port}/womp" in error.message
    assert "refused" in error.message


async def test_a_host_that_does_not_exist() -> None:
    error = await refused("postgresql://womp:secret@nowhere.invalid/womp")
    assert isinstance(error, DatabaseUnavailable)
    assert "nowhere.invalid" in error.message


async def test_a_socket_folder_that_does_not_exist(tmp_path: Path) -> None:
    error = await refused(f"postgresql:///womp?host={tmp_path}")
    assert isinstance(error, DatabaseUnavailable)
    assert str(tmp_path) in error.message


@pytest.mark.parametrize(
    "url", ["postgresql://womp:secret@host:port/womp", "womp secret", "mysql://a:secret@b/c"]
)
async def test_a_text_that_is_no_url(url: str) -> None:
    error = await refused(url)
    assert isinstance(error, ConfigInvalid)
    assert error.key == "database.url"


async def test_a_role_that_does_not_exist(postgres: ThrowawayServer) -> None:
    error = await refused(postgres.server.url("postgres").replace("postgres@", "nobody:secret@"))
    assert isinstance(error, DatabaseUnavailable)
    assert 'role "nobody" does not exist' in error.message


async def test_a_database_that_does_not_exist(postgres: ThrowawayServer) -> None:
    error = await refused(postgres.server.url("nothing"))
    assert isinstance(error, DatabaseUnavailable)
    assert 'database "nothing" does not exist' in error.message


async def test_a_wrong_password(postgres: ThrowawayServer, database_settings: DatabaseSettings) -> None:
    rules = postgres.server.folder / "pgdata" / "pg_hba.conf"
    before = rules.read_text()
    async with Database.open(database_settings) as db:
        await db.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        rules.write_text(f"local all guarded scram-sha-256\n{before}")
        try:
            await db.execute("SELECT pg_reload_conf()")
            error = await refused(database_settings.url.replace("postgres@", "guarded:secret@"))
        finally:
            rules.write_text(before)
            await db.execute("SELECT pg_reload_conf()")
            await db.execute("DROP ROLE guarded")
    assert isinstance(error, DatabaseUnavailable)
    assert "password" in error.hint


async def test_a_database_that_takes_no_writes(database_settings: DatabaseSettings) -> None:
    error = await refused(database_settings.url + "&options=-c%20default_transaction_read_only%3Don")
    assert isinstance(error, DatabaseReadOnly)


async def test_a_server_that_is_too_old(database_settings: DatabaseSettings) -> None:
    # There is no such server here, so this one is made to give another answer when it is asked.
    async with Database.open(database_settings) as db:
        await db.execute("CREATE SCHEMA older")
        await db.execute("""
            CREATE FUNCTION older.current_setting(text) RETURNS text LANGUAGE sql AS $$
                SELECT CASE $1 WHEN 'server_version_num' THEN '140011'
                               ELSE pg_catalog.current_setting($1) END
            $$
        """)
    error = await refused(database_settings.url + "&options=-c%20search_path%3Dolder,pg_catalog")
    assert isinstance(error, DatabaseTooOld)
    assert "PostgreSQL 14" in error.message


async def test_a_data_folder_of_another_version(tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    (folder / "pgdata").mkdir(parents=True)
    (folder / "pgdata" / "PG_VERSION").write_text("13\n")
    with pytest.raises(DatabaseError, match="made by PostgreSQL 13") as caught:
        async with Database.open(DatabaseSettings(data_dir=folder)):
            pass
    assert "backup" in caught.value.hint


async def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pg"
    file.write_text("")
    with pytest.raises(DataFolderUnusable, match="cannot use") as caught:
        async with Database.open(DatabaseSettings(data_dir=file)):
            pass
    assert "data_dir" in caught.value.hint
