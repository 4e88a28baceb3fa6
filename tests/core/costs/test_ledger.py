"""Every call is recorded once, whatever happens to the caller or the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from secrets import token_hex

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings, DatabaseSettings, Price
from wompcore.costs import Call, Ledger, PriceBook
from wompcore.costs.closings import Closings
from wompcore.db import Database, migrate, migrations_in
from wompcore.db.embedded import EmbeddedServer
from wompcore.errors import DatabaseUnavailable, RowsRefused, UnknownPrice
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostEntry, CostRepository
from wompcore.usage import Attribution, Purpose, Usage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHO = Attribution(Purpose.CHAT, plugin="chat", guild_id=7, channel_id=8, person_id=9, message_id=10)
CALL = Call("openrouter", "deepseek/deepseek-chat", WHO)
BOOK = PriceBook.shipped(CostSettings())


@pytest.fixture
async def ledger(db: Database) -> AsyncIterator[Ledger]:
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), SteppedClock(NOW))
    yield ledger
    await ledger.close()


async def count(db: Database) -> int:
    return int(await db.fetch_value("SELECT count(*) FROM cost_entries"))


async def test_a_settled_call_is_recorded_with_what_it_was_for(ledger: Ledger, db: Database) -> None:
    [reservation] = await ledger.reserve([CALL])
    assert await ledger.settle([(reservation, Usage(1000, 500, cached_input=100))]) == [Decimal("0.00028")]
    row = await db.fetch_one(
        """SELECT id, provider, model, purpose, plugin, guild_id, channel_id, person_id, message_id,
            input_tokens, output_tokens, cached_tokens, cost_usd, price_source, estimated, outcome
        FROM cost_entries"""
    )
    assert row == (
        reservation.id, "openrouter", "deepseek/deepseek-chat", "chat", "chat", 7, 8, 9, 10, 1000, 500, 100,
        Decimal("0.00028"), "table", False, "ok",
    )  # fmt: skip


async def test_any_number_of_calls_is_settled_in_one_statement(ledger: Ledger, db: Database) -> None:
    reservations = await ledger.reserve([CALL, CALL, replace(CALL, model="offline-1")])
    before = db.statements
    costs = await ledger.settle([(reservation, Usage(1_000_000, 0)) for reservation in reservations])
    assert db.statements == before + 1
    assert costs == [Decimal("0.14"), Decimal("0.14"), 0]
    assert await ledger.month_total() == Decimal("0.28")
    assert await ledger.month_total("model", "offline-1") == 0


async def test_any_number_of_calls_is_reserved_in_one_statement(ledger: Ledger, db: Database) -> None:
    before = db.statements
    reservations = await ledger.reserve([CALL, CALL])
    assert db.statements == before + 1
    await ledger.release(reservations)
    assert db.statements == before + 2
    assert await db.fetch_value("SELECT count(*) FROM cost_reservations") == 0


async def test_a_call_without_a_price_is_refused_before_it_is_made(ledger: Ledger) -> None:
    with pytest.raises(UnknownPrice):
        await ledger.reserve([CALL, replace(CALL, model="mystery")])
    assert ledger.open_calls == 0


async def test_settling_twice_counts_once(ledger: Ledger, db: Database) -> None:
    [reservation] = await ledger.reserve([CALL])
    pair = (reservation, Usage(1_000_000, 0))
    await ledger.settle([pair, pair])
    await ledger.settle([pair])
    assert await count(db) == 1
    assert await ledger.month_total() == Decimal("0.14")


async def test_failed_calls_are_recorded_too(ledger: Ledger, db: Database) -> None:
    [reservation] = await ledger.reserve([CALL])
    await ledger.settle([(reservation, Usage(200, 0, estimated=True))], "failed")
    assert await db.fetch_one("SELECT outcome, estimated FROM cost_entries") == ("failed", True)


async def test_a_call_counts_to_the_utc_month_it_was_reserved_in(db: Database) -> None:
    clock = SteppedClock(datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC))
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), clock)
    last = await ledger.reserve([CALL])
    clock.advance_to(datetime(2026, 12, 1, tzinfo=UTC))
    first = await ledger.reserve([replace(CALL, model="openai/gpt-4o")])
    await ledger.settle([(reservation, Usage(1_000_000, 0)) for reservation in first + last])
    assert await ledger.month_total() == Decimal("2.5")
    assert (await CostRepository(db).month_total(NOW)).cost_usd == Decimal("0.14")


async def test_people_who_opted_out_are_not_named(db: Database) -> None:
    ledger = Ledger(
        CostRepository(db), BOOK, EntryIds(1), SteppedClock(NOW), may_name=lambda person: person != 9
    )
    hidden, shown = await ledger.reserve([CALL, replace(CALL, attribution=replace(WHO, person_id=11))])
    await ledger.settle([(hidden, Usage(1, 1)), (shown, Usage(1, 1))])
    assert await db.fetch_all("SELECT person_id FROM cost_entries ORDER BY id") == [(None,), (11,)]
    assert await db.fetch_value("SELECT message_id FROM cost_entries WHERE person_id IS NULL") is None
    assert await db.fetch_all("SELECT DISTINCT key FROM cost_totals WHERE scope = 'person'") == [("11",)]


async def test_numbers_no_provider_can_mean_do_no_harm(ledger: Ledger, db: Database) -> None:
    [reservation] = await ledger.reserve([CALL])
    await ledger.settle([(reservation, Usage(-5, 2**70, cost=Decimal("NaN")))])
    assert await db.fetch_one("SELECT input_tokens, output_tokens FROM cost_entries") == (0, 2**31 - 1)
    assert (await ledger.month_total()).is_finite()


@pytest.mark.parametrize("cost", ["1e30", "1e999999", "1e-999999", "0e-999999", "1e-16000", "sNaN", "-1"])
async def test_a_cost_no_provider_can_mean_is_reckoned_by_the_price(
    ledger: Ledger, db: Database, cost: str
) -> None:
    [reservation] = await ledger.reserve([CALL])
    [charged] = await ledger.settle([(reservation, Usage(1000, 1000, cost=Decimal(cost)))])
    assert 0 < charged < 1
    assert (await ledger.month_total()) == charged
    assert await db.fetch_value("SELECT price_source FROM cost_entries") != "provider"


async def test_a_cancelled_settle_is_finished(ledger: Ledger, db: Database) -> None:
    reservations = await ledger.reserve([CALL] * 20)
    settles = [
        asyncio.create_task(ledger.settle([(reservation, Usage(1, 1))])) for reservation in reservations
    ]
    await asyncio.sleep(0)
    for settle in settles:
        settle.cancel()
    await asyncio.gather(*settles, return_exceptions=True)
    await ledger.close()
    assert all(settle.cancelled() for settle in settles)
    assert await count(db) == 20


async def test_calls_that_were_never_sent_are_given_back(ledger: Ledger, db: Database) -> None:
    reservations = await ledger.reserve([CALL, CALL])
    assert ledger.open_calls == 2
    await ledger.release(reservations)
    assert ledger.open_calls == 0
    assert await count(db) == 0


async def test_an_entry_the_database_refuses_harms_no_other(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), SteppedClock(NOW))
    bad, good = await ledger.reserve([CALL, CALL])
    bad = replace(bad, call=replace(CALL, provider="nul\0"))
    await ledger.settle([(bad, Usage(1, 1)), (good, Usage(1, 1))])
    assert await count(db) == 1
    assert "a cost was refused" in caplog.text


async def test_a_call_the_database_refuses_harms_no_other(db: Database) -> None:
    book = PriceBook(CostSettings(default_price=Price(input=Decimal(1), output=Decimal(1))), {})
    ledger = Ledger(CostRepository(db), book, EntryIds(1), SteppedClock(NOW))
    bad = ledger.reserve([replace(CALL, model="nul\0")])
    refused, admitted = await asyncio.gather(bad, ledger.reserve([CALL]), return_exceptions=True)
    assert isinstance(refused, RowsRefused)
    assert isinstance(admitted, list)


async def test_a_name_that_no_index_holds_is_refused_before_the_call(db: Database, ledger: Ledger) -> None:
    with pytest.raises(RowsRefused):
        await ledger.reserve([replace(CALL, model=token_hex(10_000), fixed_cost=Decimal(1))])
    await ledger.settle([(reservation, Usage(1, 1)) for reservation in await ledger.reserve([CALL])])
    assert await count(db) == 1


async def test_a_cost_waits_whatever_keeps_it_from_being_saved() -> None:
    saved: list[int] = []

    async def save(entries: Sequence[CostEntry], released: Sequence[int]) -> None:
        if not closings.away:
            raise RuntimeError("nobody expected this")
        saved.extend(released)

    closings = Closings(save)
    await closings.add([1, 2])
    await closings.close()
    assert saved == [1, 2]


async def test_concurrent_settles_never_deadlock_nor_lose_a_cent(db: Database) -> None:
    models = ["openai/gpt-4o", "deepseek/deepseek-chat", "deepseek/deepseek-r1"]
    ledgers = [Ledger(CostRepository(db), BOOK, EntryIds(n), SteppedClock(NOW)) for n in range(8)]

    async def spend(ledger: Ledger, turn: int) -> Decimal:
        order = models if turn % 2 else models[::-1]
        calls = [
            replace(CALL, model=model, attribution=replace(WHO, person_id=turn + n))
            for n, model in enumerate(order)
        ]
        reservations = await ledger.reserve(calls)
        return sum(await ledger.settle([(r, Usage(1 + turn, 3)) for r in reservations]), Decimal(0))

    spent = await asyncio.gather(*(spend(ledger, turn) for turn in range(12) for ledger in ledgers))
    assert await ledgers[0].month_total() == sum(spent)
    assert await CostRepository(db).check_totals(NOW) == []


@pytest.fixture
async def stoppable(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedServer, Database]]:
    async with (
        EmbeddedServer.open(tmp_path / "pg", options={"fsync": "off"}) as server,
        Database.open(DatabaseSettings(url=server.url())) as db,
    ):
        await migrate(db, "core", migrations_in("wompcore.repos"))
        yield server, db


async def test_every_call_is_recorded_once_while_the_server_stops_and_comes_back(
    stoppable: tuple[EmbeddedServer, Database], caplog: pytest.LogCaptureFixture
) -> None:
    server, db = stoppable
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), SteppedClock(NOW))
    made = 0

    async def call_on_and_on() -> None:
        nonlocal made
        while not done.is_set():
            [reservation] = await ledger.reserve([CALL])
            made += 1
            await ledger.settle([(reservation, Usage(1_000_000, 0))])
            await asyncio.sleep(0.001)

    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(call_on_and_on())
        await asyncio.sleep(0.2)
        await asyncio.to_thread(server.stop)
        while not ledger.unsaved:  # noqa: ASYNC110 - the ledger has no reason to announce this
            await asyncio.sleep(0.01)
        [unnamed] = await ledger.reserve([CALL])
        made += 1
        await ledger.settle([(unnamed, Usage(1_000_000, 0))])
        await asyncio.to_thread(server.start)
        done.set()
    await ledger.close()
    assert ledger.unsaved == 0
    assert await count(db) == made
    assert await ledger.month_total() == made * Decimal("0.14")
    # While it waited, who it was for might have been erased through another process.
    names = "SELECT person_id, message_id FROM cost_entries WHERE id = %s"
    assert await db.fetch_one(names, (unnamed.id,)) == (None, None)
    assert "kept until the database is back" in caplog.text


@pytest.mark.endurance(only=True)
async def test_no_call_may_start_when_its_cost_could_not_be_kept(
    stoppable: tuple[EmbeddedServer, Database], caplog: pytest.LogCaptureFixture
) -> None:
    server, db = stoppable
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), SteppedClock(NOW))
    reservations = await ledger.reserve([CALL] * 10_000)
    await asyncio.to_thread(server.stop)
    await ledger.settle([(reservation, Usage(1, 0)) for reservation in reservations])
    with pytest.raises(DatabaseUnavailable, match="no call may be added"):
        await ledger.reserve([CALL])
    await asyncio.to_thread(server.start)
    await ledger.close()
    assert await count(db) == 10_000
    await ledger.release(await ledger.reserve([CALL]))
