"""The message store on a real database."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wompcore.config import DatabaseSettings, IngestSettings
from wompcore.db import Database
from wompcore.events import ChatMessage, Gap, MessageEdited
from wompcore.ids import MAX_ID, snowflake_at
from wompcore.ingest import MessageStore
from wompcore.ingest.outage import Outage
from wompcore.repos.messages import MessageRepository
from wompcore.testing.database import ThrowawayServer

NOON = snowflake_at(datetime(2026, 11, 1, 12, tzinfo=UTC))


class Everyone:
    """A gate that refuses the people it is given."""

    def __init__(self, *refused: int) -> None:
        self.refused = set(refused)

    def refuses(self, person_id: int) -> bool:
        return person_id in self.refused


def said(
    number: int, *, author: int = 7, channel: int = 1, text: str = "hi", own: bool = False
) -> ChatMessage:
    return ChatMessage(NOON + number, channel, author, f"person {author}", text, 99, is_own=own)


@asynccontextmanager
async def store_on(db: Database, *refused: int, **changes: object):  # a fixture in all but name
    async with MessageStore.open(
        MessageRepository(db),
        Everyone(*refused),
        IngestSettings(**changes),  # type: ignore[arg-type]
    ) as store:
        yield store


async def stored_texts(db: Database) -> list[str]:
    return [row[0] for row in await db.fetch_all("SELECT text FROM messages ORDER BY id")]


async def test_a_batch_of_messages_and_counters_is_one_statement(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        for number in range(500):
            store.add(said(number, author=number % 10))
        before = db.statements
        await store.flush()
        assert db.statements - before == 1
        assert store.counts.stored == 500
    counters = await db.fetch_all("SELECT person_id, messages FROM person_guilds ORDER BY 1")
    assert counters == [(author, 50) for author in range(10)]


async def test_a_message_is_written_within_the_delay(db: Database) -> None:
    async with store_on(db, flush_s=0.05) as store:
        store.add(said(1))
        async with asyncio.timeout(5):
            while not await stored_texts(db):  # noqa: ASYNC110 # nothing tells
                await asyncio.sleep(0.01)


async def test_closing_writes_what_is_left(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        store.add(said(1, text="last words"))
    assert await stored_texts(db) == ["last words"]


async def test_known_refusals_never_reach_the_buffer(db: Database) -> None:
    async with store_on(db, 7) as store:
        assert not store.add(said(1, author=7))
        assert store.waiting == 0
        assert store.counts.opted_out == 1


async def test_whoever_withdrew_in_the_database_is_joined_out(db: Database) -> None:
    await db.execute("INSERT INTO people (id, name, opted_out) VALUES (7, '[redacted]', true)")
    async with store_on(db) as store:
        store.add(said(1, author=7))
        store.add(said(2, author=8, text="kept"))
        await store.flush()
        assert (store.counts.stored, store.counts.opted_out) == (1, 1)
    assert await stored_texts(db) == ["kept"]
    assert await db.fetch_value("SELECT name FROM people WHERE id = 7") == "[redacted]"


async def test_one_bad_row_never_costs_its_batch(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        for number in range(40):
            store.add(said(number, text=f"fine {number}"))
        store.add(ChatMessage(MAX_ID + 1, 1, 7, "eve", "an id of 2^63", 99))
        store.add(said(41, text="nul \0 inside"))
        store.add(said(42, text="lone \ud800 surrogate"))
        store.add(said(43, text="z" + "\u0301" * 4000))
        await store.flush()
        assert store.counts.stored == 41
        assert store.counts.parked == 3
    reasons = await db.fetch_all("SELECT reason, payload FROM parked_messages ORDER BY id")
    assert len(reasons) == 3
    assert all(reason for reason, _ in reasons)
    assert '"text": "an id of 2^63"' in reasons[0][1]


async def test_an_edit_meets_its_message_even_in_the_same_batch(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        store.add(said(1, text="befor"))
        store.edited(MessageEdited(NOON + 1, "before", 7, datetime.now(UTC)))
        await store.flush()
        assert await stored_texts(db) == ["before"]
        store.edited(MessageEdited(NOON + 1, "after", 7, datetime.now(UTC)))
        await store.flush()
    assert await stored_texts(db) == ["after"]


async def test_an_edit_of_somebody_who_withdrew_brings_no_text_back(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        store.add(said(1, text="secret"))
        await store.flush()
        await db.execute("UPDATE people SET opted_out = true")
        await db.execute("UPDATE messages SET text = ''")
        store.edited(MessageEdited(NOON + 1, "secret again", 7, datetime.now(UTC)))
        await store.flush()
    assert await stored_texts(db) == [""]


async def test_a_deleted_message_is_gone_and_stays_gone(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        store.add(said(1))
        store.deleted([NOON + 1])
        await store.flush()
        assert await stored_texts(db) == []
        assert not store.add(said(1))
        await store.flush()
    assert await stored_texts(db) == []


async def test_a_change_waits_for_a_message_that_came_during_a_write(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        store.add(said(1, text="first"))
        async with db.transaction() as other:
            await other.execute("LOCK TABLE messages")
            writing = asyncio.create_task(store.flush())
            await asyncio.sleep(0.1)
            store.add(said(2, text="taken back"))
            store.deleted([NOON + 2])
            store.add(said(3, text="befor"))
            store.edited(MessageEdited(NOON + 3, "before", 7, datetime.now(UTC)))
        await writing
        await store.flush()
    assert await stored_texts(db) == ["first", "before"]


async def test_a_message_twice_in_a_batch_is_stored_and_counted_once(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        for _ in range(3):
            store.add(said(1))
        await store.flush()
        assert (store.counts.stored, store.counts.already_stored) == (1, 2)
    assert await stored_texts(db) == ["hi"]


async def test_an_edit_with_impossible_data_costs_only_itself(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        store.add(said(1, text="old"))
        store.edited(MessageEdited(MAX_ID + 1, "new", 7, datetime.now(UTC)))
        store.edited(MessageEdited(NOON + 1, "new", 7, datetime.now(UTC)))
        await store.flush()
    assert await stored_texts(db) == ["new"]


async def test_a_full_buffer_becomes_one_gap_per_channel(db: Database) -> None:
    async with store_on(db, flush_s=5, buffer=100, batch=5000) as store:
        for number in range(130):
            store.add(said(number, channel=1 + number % 2))
        assert store.counts.overflowed == 30
        await store.flush()
    gaps = await MessageRepository(db).gaps()
    assert gaps == [Gap(1, NOON + 98, NOON + 129), Gap(2, NOON + 99, NOON + 130)]


async def test_own_messages_are_stored_and_not_counted(db: Database) -> None:
    async with store_on(db, flush_s=5) as store:
        store.add(said(1, own=True))
        store.add(said(2))
        await store.flush()
        assert (store.counts.stored, store.counts.already_stored) == (1, 0)
    assert len(await stored_texts(db)) == 2


async def test_nothing_is_lost_while_the_database_is_away(postgres: ThrowawayServer) -> None:
    async with AsyncExitStack() as stack:
        settings_ = stack.enter_context(postgres.database())
        db = await stack.enter_async_context(Database.open(settings_))
        store = await stack.enter_async_context(store_on(db, flush_s=0.02))
        name = settings_.url.rsplit("/", 1)[1].split("?")[0]
        for number in range(1000):
            store.add(said(number))
            if number == 300:
                await _allow_connections(postgres, name, allowed=False)
            if number == 700:
                await asyncio.sleep(0.3)
                await _allow_connections(postgres, name, allowed=True)
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(30):
            await store.flush()
        assert await db.fetch_value("SELECT count(*) FROM messages") == 1000
        assert store.counts.stored + store.counts.already_stored == 1000


@pytest.mark.endurance(only=True)
async def test_a_database_that_stays_away_is_told_once(
    own_postgres: ThrowawayServer, caplog: pytest.LogCaptureFixture
) -> None:
    with own_postgres.database() as settings_:
        async with Database.open(settings_) as db, store_on(db, flush_s=0.02) as store:
            store.outage = Outage(tell_after_s=0.1)
            with own_postgres.stopped():
                store.add(said(1, text="kept for later"))
                async with asyncio.timeout(30):
                    await store.outage.lasts(3)
            await store.flush()
            assert store.outage.seconds == 0
            assert await stored_texts(db) == ["kept for later"]
    told = [record for record in caplog.records if record.name == "wompcore.ingest.outage"]
    assert [record.levelname for record in told] == ["WARNING", "ERROR", "WARNING"]
    assert told[1].getMessage().startswith("messages still wait for the database")


async def _allow_connections(postgres: ThrowawayServer, name: str, *, allowed: bool) -> None:
    async with Database.open(DatabaseSettings(url=postgres.server.url())) as admin:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {str(allowed).lower()}')
        if not allowed:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )


_events = st.lists(
    st.tuples(st.sampled_from(["add", "edit", "delete", "flush"]), st.integers(0, 8), st.text(max_size=5)),
    max_size=40,
)


@pytest.fixture
def databases(postgres: ThrowawayServer) -> ThrowawayServer:
    return postgres


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=_events)
def test_any_order_of_events_ends_in_what_was_said_last(
    events: list[tuple[str, int, str]], postgres: ThrowawayServer
) -> None:
    asyncio.run(_play(events, postgres))


async def _play(events: list[tuple[str, int, str]], postgres: ThrowawayServer) -> None:
    """Adding is idempotent; edits and deletions hold, whenever the buffer happens to be written."""
    expected: dict[int, str] = {}
    deleted: set[int] = set()
    with postgres.database() as settings_:
        async with Database.open(settings_) as db, store_on(db, flush_s=5, batch=3) as store:
            for kind, number, raw in events:
                text = raw.replace("\0", "").encode("utf-8", "ignore").decode()
                if kind == "add":
                    store.add(said(number, author=number % 3, text=text))
                    if number not in deleted:
                        expected.setdefault(number, text)
                elif kind == "edit":
                    if number not in expected.keys() | deleted:
                        continue  # nobody changes what was not said yet
                    store.edited(MessageEdited(NOON + number, text, None, datetime.now(UTC)))
                    if number in expected:
                        expected[number] = text
                elif kind == "delete":
                    store.deleted([NOON + number])
                    expected.pop(number, None)
                    deleted.add(number)
                else:
                    await store.flush()
            await store.flush()
            rows = dict(await db.fetch_all("SELECT id, text FROM messages"))
            counted = dict(await db.fetch_all("SELECT person_id, messages FROM person_guilds"))
    assert {NOON + number: text for number, text in expected.items()} == rows
    written = Counter(number % 3 for number in {n for k, n, _ in events if k == "add"})
    assert all(counted.get(author, 0) <= written[author] for author in range(3))
