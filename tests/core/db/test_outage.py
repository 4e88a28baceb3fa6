from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.errors import DatabaseUnavailable
from wompcore.testing.database import ThrowawayServer

OUTAGE_S = 1.0 if not os.environ.get("WOMPBOT_ENDURANCE") else 5.0


@pytest.fixture
async def db(own_postgres: ThrowawayServer) -> AsyncIterator[Database]:
    async with Database.open(DatabaseSettings(url=own_postgres.server.url())) as db:
        yield db


def postmaster(server: ThrowawayServer) -> int:
    file: Path = server.server.folder / "pgdata" / "postmaster.pid"
    return int(file.read_text().split("\n", 1)[0])


@pytest.mark.endurance
async def test_calls_fail_quickly_while_the_server_is_away_and_work_when_it_is_back(
    own_postgres: ThrowawayServer, db: Database
) -> None:
    answers: list[tuple[float, float, bool]] = []
    messages: set[str] = set()

    async def keep_calling() -> None:
        while True:
            begun = time.monotonic()
            try:
                await db.fetch_value("SELECT 1")
                works = True
            except DatabaseUnavailable as error:
                works = False
                messages.add(error.message)
            answers.append((begun, time.monotonic() - begun, works))
            await asyncio.sleep(0.01)

    callers = [asyncio.create_task(keep_calling()) for _ in range(8)]
    await asyncio.sleep(0.1)
    with own_postgres.stopped():
        await asyncio.sleep(OUTAGE_S)
    back_at = time.monotonic()
    await asyncio.sleep(2)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)

    assert messages
    assert not any("\n" in message for message in messages)
    assert max(took for _, took, _ in answers) < 3
    late = [works for begun, _, works in answers if begun > back_at + 1.5]
    assert len(late) > 100
    assert all(late)


async def test_a_restart_between_two_calls_is_not_noticed(
    own_postgres: ThrowawayServer, db: Database
) -> None:
    await asyncio.gather(*(db.fetch_value("SELECT pg_sleep(0.05)") for _ in range(10)))
    with own_postgres.stopped():
        pass
    assert await asyncio.gather(*(db.fetch_value("SELECT 1") for _ in range(10))) == [1] * 10


async def test_a_statement_cut_off_by_the_server_is_told_as_such(
    own_postgres: ThrowawayServer, db: Database
) -> None:
    call = asyncio.create_task(db.execute("SELECT pg_sleep(10)"))
    await asyncio.sleep(0.1)
    async with db.connection() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()"
        )
    with pytest.raises(DatabaseUnavailable, match="went away"):
        await call


async def test_a_server_that_freezes_does_not_hold_a_caller_for_ever(own_postgres: ThrowawayServer) -> None:
    settings = DatabaseSettings(url=own_postgres.server.url(), statement_timeout_s=0.1)
    async with Database.open(settings) as db:
        backend = 0

        async def ask_the_frozen() -> None:
            nonlocal backend
            async with db.connection() as connection:
                backend = connection.info.backend_pid
                os.kill(backend, signal.SIGSTOP)
                await connection.execute("SELECT 1")

        begun = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="no answer"):
            await ask_the_frozen()
        assert time.monotonic() - begun < 4
        os.kill(backend, signal.SIGCONT)
        assert await db.fetch_value("SELECT 1") == 1


async def test_a_killed_server_has_lost_nothing_when_it_is_started_again(
    own_postgres: ThrowawayServer, db: Database
) -> None:
    await db.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
    before = await db.fetch_value("SELECT count(*) FROM kept")
    await db.execute("INSERT INTO kept VALUES (1)")
    os.kill(postmaster(own_postgres), signal.SIGKILL)
    with pytest.raises(DatabaseUnavailable):
        await db.execute("SELECT pg_sleep(10)")
    await asyncio.to_thread(own_postgres.server.start)
    assert await db.fetch_value("SELECT count(*) FROM kept") == before + 1
