from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable

import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database, Listener
from wompcore.errors import DatabaseUnavailable


@pytest.fixture
async def listener(db: Database) -> AsyncIterator[Listener]:
    async with Listener.open(db) as listener:
        yield listener


async def until(holds: Callable[[], object], within_s: float = 10) -> float:
    """Wait until something holds, and return how long it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within_s
        await asyncio.sleep(0.005)
    return time.monotonic() - begun


async def link_pid(db: Database) -> int:
    query = """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND query IN ('SELECT 1', 'LISTEN "news"')
            AND pid <> pg_backend_pid()
    """
    pid = await db.fetch_value(query)
    assert isinstance(pid, int)
    return pid


async def test_a_notification_arrives_at_once(db: Database, listener: Listener) -> None:
    heard: list[str] = []
    listener.on("news", heard.append)
    await listener.listening()
    await db.notify("news", "hello")
    assert await until(lambda: heard == ["hello"]) < 0.4
    await db.notify("other", "nothing")
    async with db.transaction() as connection:
        await connection.execute("SELECT pg_notify('news', 'a ' || n) FROM generate_series(1, 100) n")
    await until(lambda: len(heard) == 101)
    assert heard[1:] == [f"a {n}" for n in range(1, 101)]


async def test_everyone_who_asked_is_called_whatever_another_does(db: Database, listener: Listener) -> None:
    heard: list[str] = []
    listener.on("Mixed Case; 'x'", lambda payload: [][1])
    listener.on("Mixed Case; 'x'", heard.append)
    await listener.listening()
    await db.notify("Mixed Case; 'x'", "one")
    await until(lambda: heard == ["one"])
    assert listener.connected


async def test_its_questions_do_not_count_as_statements(db: Database, listener: Listener) -> None:
    before = db.statements
    await asyncio.sleep(0.7)
    assert db.statements == before


async def test_a_link_that_breaks_is_made_anew(db: Database, listener: Listener) -> None:
    heard: list[str] = []
    states: list[bool] = []

    async def reload() -> None:
        states.append(listener.connected)

    listener.on("news", heard.append)
    listener.on_reconnect(reload)
    await listener.listening()
    await db.execute("SELECT pg_terminate_backend(%s)", [await link_pid(db)])
    await until(lambda: listener.down_since is not None, 0.5)
    assert not listener.connected
    await until(lambda: listener.connected)
    assert listener.down_since is None
    assert states == [False]
    await db.notify("news", "again")
    await until(lambda: heard == ["again"])


async def test_a_link_that_freezes_is_noticed_within_about_a_second(db: Database, listener: Listener) -> None:
    listener.on("news", lambda payload: None)
    await listener.listening()
    pid = await link_pid(db)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert await until(lambda: listener.down_since is not None) < 2
        await until(lambda: listener.connected)
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_what_is_sent_while_reloading_is_not_lost(db: Database, listener: Listener) -> None:
    heard: list[str] = []

    async def reload() -> None:
        await db.notify("news", "meanwhile")

    listener.on("news", heard.append)
    listener.on_reconnect(reload)
    await listener.listening()
    await db.execute("SELECT pg_terminate_backend(%s)", [await link_pid(db)])
    await until(lambda: heard == ["meanwhile"])


async def test_a_reload_that_fails_is_done_again(db: Database, listener: Listener) -> None:
    tries: list[bool] = []

    async def reload() -> None:
        tries.append(listener.connected)
        if len(tries) < 3:
            raise ZeroDivisionError

    listener.on("news", lambda payload: None)
    listener.on_reconnect(reload)
    await listener.listening()
    await db.execute("SELECT pg_terminate_backend(%s)", [await link_pid(db)])
    await until(lambda: not listener.connected)
    await until(lambda: listener.connected)
    assert tries == [False, False, False]


async def test_closing_leaves_no_task_and_no_connection(db: Database) -> None:
    async with Listener.open(db) as listener:
        listener.on("news", lambda payload: None)
        await listener.listening()
        pid = await link_pid(db)
        begun = time.monotonic()
    assert time.monotonic() - begun < 0.4
    assert "wompcore-listener" not in {task.get_name() for task in asyncio.all_tasks()}
    while await db.fetch_value("SELECT true FROM pg_stat_activity WHERE pid = %s", [pid]):
        assert time.monotonic() - begun < 5


async def test_a_database_that_cannot_be_reached_is_told_at_once(
    db: Database, database_settings: DatabaseSettings
) -> None:
    db.direct_url = database_settings.url.replace("postgres@", "nobody@")
    with pytest.raises(DatabaseUnavailable):
        async with Listener.open(db):
            pass
