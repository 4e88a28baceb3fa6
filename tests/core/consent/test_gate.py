"""The consent gate: in memory, in every process, race-free."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest

from wompcore.clock import SystemClock
from wompcore.config import DatabaseSettings, IngestSettings
from wompcore.consent import Gate
from wompcore.db import Database
from wompcore.db.listener import Listener
from wompcore.errors import NotOpen
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at
from wompcore.ingest import MessageStore
from wompcore.repos.consents import CHANNEL, ConsentRepository
from wompcore.repos.messages import MessageRepository

NOON = snowflake_at(datetime(2026, 11, 1, 12, tzinfo=UTC))


@asynccontextmanager
async def process(settings: DatabaseSettings) -> AsyncIterator[tuple[Database, Gate]]:
    """Everything one process of the bot has for consent."""
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(settings))
        listener = await stack.enter_async_context(Listener.open(db))
        gate = await stack.enter_async_context(
            Gate.open(ConsentRepository(db), listener, SystemClock(), channel=CHANNEL)
        )
        yield db, gate


async def until(condition: object, within_s: float = 5.0) -> float:
    started = time.monotonic()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() - started < within_s
        await asyncio.sleep(0.005)
    return time.monotonic() - started


async def test_everybody_is_in_until_they_withdraw(database_settings: DatabaseSettings) -> None:
    async with process(database_settings) as (_, gate):
        assert gate.allows(7)
        assert await gate.withdraw(7, method="command")
        assert not gate.allows(7)
        assert not await gate.withdraw(7, method="command")
        assert await gate.grant(7, method="command")
        assert gate.allows(7)


async def test_a_withdrawal_outlives_a_restart_and_the_next_message(
    database_settings: DatabaseSettings,
) -> None:
    async with process(database_settings) as (_, gate):
        await gate.withdraw(7, method="command")
    async with process(database_settings) as (db, gate):
        assert not gate.allows(7)
        async with MessageStore.open(MessageRepository(db), gate, IngestSettings()) as store:
            for number in range(10):
                store.add(ChatMessage(NOON + number, 1, 7, "ann", "hello", 99))
        assert await db.fetch_value("SELECT count(*) FROM messages") == 0
        assert await db.fetch_value("SELECT opted_out FROM people WHERE id = 7") is True


async def test_a_withdrawal_blanks_what_is_stored_at_once(database_settings: DatabaseSettings) -> None:
    async with process(database_settings) as (db, gate):
        async with MessageStore.open(MessageRepository(db), gate, IngestSettings()) as store:
            store.add(ChatMessage(NOON, 1, 7, "ann", "my secret", 99))
            await store.flush()
            await gate.withdraw(7, method="command")
        assert await db.fetch_all("SELECT text, author_name FROM messages") == [("", "[redacted]")]
        assert await db.fetch_value("SELECT name FROM people WHERE id = 7") == "[redacted]"
        actions = await db.fetch_all("SELECT action FROM audit_log WHERE person_id = 7")
        assert actions == [("consent_withdrawn",)]


async def test_a_change_holds_in_every_process_within_a_second(database_settings: DatabaseSettings) -> None:
    async with process(database_settings) as (_, here), process(database_settings) as (_, there):
        await here.withdraw(7, method="command")
        assert await until(lambda: not there.allows(7)) < 1.0
        await there.grant(7, method="command")
        assert await until(lambda: here.allows(7)) < 1.0


async def test_old_news_never_bring_an_old_answer_back(database_settings: DatabaseSettings) -> None:
    async with process(database_settings) as (db, gate):
        await gate.withdraw(7, method="command")
        await gate.grant(7, method="command")
        await gate.withdraw(7, method="command")
        revision = await db.fetch_value("SELECT revision FROM consents WHERE person_id = 7")
        await db.notify(CHANNEL, f"messages:7:{revision - 1}:0")
        await db.notify(CHANNEL, "messages:8:999999:1")  # arrives after it: both were heard
        await until(lambda: not gate.allows(8))
        assert not gate.allows(7)


async def test_a_failed_withdrawal_changes_nothing(database_settings: DatabaseSettings) -> None:
    async with process(database_settings) as (db, gate):
        await db.execute("ALTER TABLE consents ADD CONSTRAINT never CHECK (person_id <> 7) NOT VALID")
        with pytest.raises(Exception, match="never"):
            await gate.withdraw(7, method="command")
        assert gate.allows(7)
        assert await db.fetch_value("SELECT count(*) FROM people WHERE opted_out") == 0


async def test_a_lost_link_refuses_after_a_second_and_catches_up(database_settings: DatabaseSettings) -> None:
    async with process(database_settings) as (db, gate), process(database_settings) as (_, other):
        # The link of the first process is cut again and again while the other one changes its mind.
        for person in range(5):
            await db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
            )
            await other.withdraw(person, method="command")
            await until(lambda person=person: gate.refuses(person))  # type: ignore[misc]


@pytest.mark.parametrize("seed", range(3))
async def test_messages_racing_withdrawals_leave_no_text(
    seed: int, database_settings: DatabaseSettings
) -> None:
    """Two processes store what a person says while a third hears that they withdraw."""
    rng = random.Random(seed)
    async with (
        process(database_settings) as (db, here),
        process(database_settings) as (_, there),
        process(database_settings) as (db_two, third),
        MessageStore.open(MessageRepository(db), here, IngestSettings(flush_s=0.001)) as one,
        MessageStore.open(MessageRepository(db_two), third, IngestSettings(flush_s=0.001)) as two,
    ):
        running = True

        async def talk(store: MessageStore, offset: int) -> None:
            number = 0
            while running:
                for person in range(6):
                    store.add(ChatMessage(NOON + offset + number, 1, person, "x", "said", 99))
                    number += 1
                await asyncio.sleep(rng.random() / 500)

        talkers = [asyncio.create_task(talk(one, 0)), asyncio.create_task(talk(two, 1_000_000))]
        await asyncio.sleep(0.05)
        for person in range(5):
            await there.withdraw(person, method="command")
            await asyncio.sleep(rng.random() / 50)
            seen = await db.fetch_value(
                "SELECT count(*) FROM messages WHERE author_id = %s AND text <> ''", (person,)
            )
            assert seen == 0
        running = False
        await asyncio.gather(*talkers)
        await one.flush()
        await two.flush()
        left = await db.fetch_all("SELECT DISTINCT author_id FROM messages WHERE text <> '' ORDER BY 1")
        assert left == [(5,)]


async def test_a_database_that_is_away_is_said_and_nothing_changes(
    database_settings: DatabaseSettings,
) -> None:
    async with process(database_settings) as (db, gate):
        await db.pool.close()
        with pytest.raises(NotOpen):
            await gate.withdraw(7, method="command")
        assert gate.allows(7)
