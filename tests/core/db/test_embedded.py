from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database, EmbeddedServer
from wompcore.errors import DatabaseUnavailable
from wompcore.testing.database import memory_folder

# Joins the server of a folder, says so, and leaves when its input ends.
USER = """
import sys
from pathlib import Path
from wompcore.db import EmbeddedServer

folder, within = (Path(text) if text else None for text in sys.argv[1:])
server = EmbeddedServer(folder, within=within)
server.start()
print(server.folder, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def new_folder() -> Iterator[Path]:
    """A folder yet to be made, with a short name, that every system user can reach."""
    with tempfile.TemporaryDirectory(prefix="womp-", dir=memory_folder()) as parent:
        yield Path(parent) / "pg"


@pytest.fixture(scope="module")
def made_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="womp-", dir=memory_folder()) as parent:
        server = EmbeddedServer(Path(parent) / "pg")
        server.start()
        server.stop()
        yield server.folder


@pytest.fixture
def folder(made_folder: Path, new_folder: Path) -> Path:
    """The folder of a server that ran before: making one anew takes longer than most tests."""
    subprocess.run(["cp", "-a", made_folder, new_folder], check=True)
    return new_folder


@contextmanager
def other_process(folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", USER, str(folder or ""), str(memory_folder() or "")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def joined(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate()
    assert process.returncode == 0


def answers(server: EmbeddedServer) -> bool:
    try:
        with psycopg.connect(server.url(), connect_timeout=5) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def kill_postmaster(server: EmbeddedServer) -> None:
    os.kill(int((server.folder / "pgdata" / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)


async def test_data_is_kept_from_one_opening_to_the_next(folder: Path) -> None:
    settings = DatabaseSettings(data_dir=folder)
    async with Database.open(settings) as db:
        await db.execute("CREATE TABLE kept AS SELECT 1 AS id")
    async with Database.open(settings) as db:
        assert await db.fetch_value("SELECT count(*) FROM kept") == 1
        assert await db.fetch_value("SHOW fsync") == "on"
        assert await db.fetch_value("SHOW synchronous_commit") == "on"
        assert await db.fetch_value("SHOW listen_addresses") == ""


def test_the_data_is_for_its_owner_alone(new_folder: Path) -> None:
    server = EmbeddedServer(new_folder)
    server.start()
    server.stop()
    assert new_folder.stat().st_mode & 0o777 == 0o700
    assert (new_folder / "pgdata").stat().st_mode & 0o777 == 0o700


def test_the_log_never_holds_what_people_wrote(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE said (words text PRIMARY KEY)")
        connection.execute("INSERT INTO said VALUES ('my secret')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO said VALUES ('my secret')")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 'my secret', pg_terminate_backend(pg_backend_pid())")
    server.stop()
    log = (folder / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "my secret" not in log


def test_a_temporary_server_leaves_nothing() -> None:
    server = EmbeddedServer(within=memory_folder())
    server.start()
    assert server.folder.exists()
    assert answers(server)
    server.stop()
    assert not server.folder.exists()
    assert not answers(server)


def test_a_folder_with_a_long_name_works(new_folder: Path) -> None:
    server = EmbeddedServer(new_folder / ("long" * 20) / ("name" * 20))
    server.start()
    assert answers(server)
    server.stop()
    assert not answers(server)


async def test_a_start_that_is_cancelled_leaves_no_server(new_folder: Path) -> None:
    async def use() -> None:
        async with EmbeddedServer.open(new_folder):
            await asyncio.sleep(60)

    task = asyncio.create_task(use())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not answers(EmbeddedServer(new_folder))


def test_a_killed_server_recovers_at_the_next_start(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
        kill_postmaster(server)
    again = EmbeddedServer(folder)
    again.start()
    with psycopg.connect(again.url()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    server.stop()
    again.stop()
    assert not answers(again)


async def test_a_server_that_is_killed_under_us_is_started_again(folder: Path) -> None:
    async with EmbeddedServer.open(folder, missing_s=0.2) as server:
        kill_postmaster(server)
        async with asyncio.timeout(30):
            while not await asyncio.to_thread(answers, server):  # noqa: ASYNC110 # nobody tells
                await asyncio.sleep(0.05)


def test_a_process_number_that_was_given_to_someone_else_is_no_obstacle(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    pid_file = folder / "pgdata" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    kill_postmaster(server)
    stranger = subprocess.Popen(["sleep", "60"], **server.cluster._user.as_subprocess())
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        server.start()
        assert answers(server)
    finally:
        stranger.kill()
        stranger.wait()
        server.stop()


def test_the_first_to_leave_does_not_take_the_server_from_the_other(folder: Path) -> None:
    server = EmbeddedServer(folder)
    with other_process(folder) as other:
        joined(other)
        server.start()
        leave(other)
        assert answers(server)
        server.stop()
    assert not answers(server)


def test_the_server_stays_when_its_starter_leaves_first(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    with other_process(folder) as other:
        joined(other)
        server.stop()
        assert answers(server)
        leave(other)
    assert not answers(server)


def test_a_process_that_was_killed_counts_no_more(folder: Path) -> None:
    server = EmbeddedServer(folder)
    with other_process(folder) as other:
        joined(other)
        server.start()
        other.kill()
        other.wait()
        assert answers(server)
        server.stop()
    assert not answers(server)


def test_a_server_whose_only_user_was_killed_is_taken_over(folder: Path) -> None:
    server = EmbeddedServer(folder)
    with other_process(folder) as other:
        joined(other)
        other.kill()
        other.wait()
    server.start()
    assert answers(server)
    server.stop()
    assert not answers(server)


def test_a_temporary_server_whose_user_was_killed_is_removed_by_the_next() -> None:
    with other_process() as other:
        abandoned = joined(other)
        other.kill()
        other.wait()
    assert abandoned.exists()
    server = EmbeddedServer(within=memory_folder())
    server.start()
    server.stop()
    assert not abandoned.exists()


def test_processes_that_start_at_once_share_one_server(new_folder: Path) -> None:
    with (
        other_process(new_folder) as one,
        other_process(new_folder) as two,
        other_process(new_folder) as three,
    ):
        assert {joined(one), joined(two), joined(three)} == {new_folder}
        for process in (one, two, three):
            assert answers(EmbeddedServer(new_folder))
            leave(process)
    assert not answers(EmbeddedServer(new_folder))


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    server = EmbeddedServer(folder, options={"no_such_setting": "1"})
    with pytest.raises(DatabaseUnavailable, match="no_such_setting") as caught:
        server.start()
    assert str(folder) in caught.value.hint
