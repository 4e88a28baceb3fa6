"""A reservation survives its process, ends once, and holds nobody else up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings, DatabaseSettings, Price
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook
from wompcore.db import Database, EmbeddedServer, migrate, migrations_in
from wompcore.errors import DatabaseUnavailable
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.usage import Attribution, Purpose, Usage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
WHO = Attribution(Purpose.CHAT, guild_id=7, person_id=9, message_id=10)
BOOK = PriceBook(CostSettings(default_price=Price(input=Decimal(1), output=Decimal(1))), {})
CALL = Call("p", "m", WHO, max_input_tokens=6_000, max_output_tokens=4_000)
HARD = Budget("all", action="refuse", amount=Decimal(1))


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOW)


@pytest.fixture
async def ledger(db: Database, clock: SteppedClock) -> AsyncIterator[Ledger]:
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), clock)
    yield ledger
    await ledger.close()


async def entries(db: Database) -> list[tuple[object, ...]]:
    return await db.fetch_all("SELECT cost_usd, outcome, estimated, swept FROM cost_entries ORDER BY id")


async def reservations(db: Database) -> int:
    return int(await db.fetch_value("SELECT count(*) FROM cost_reservations"))


async def test_a_lost_call_is_booked_at_its_worst_case_and_marked(
    ledger: Ledger, db: Database, clock: SteppedClock
) -> None:
    await ledger.reserve([CALL])
    assert await ledger.sweep() == 0
    clock.advance_to(LATER)
    assert await ledger.sweep() == 1
    assert await entries(db) == [(Decimal("0.01"), "swept", True, True)]
    assert await ledger.month_total() == Decimal("0.01")
    assert await ledger.sweep() == 0


async def test_two_sweepers_book_each_lost_call_once(db: Database, clock: SteppedClock) -> None:
    ledgers = [Ledger(CostRepository(db), BOOK, EntryIds(n), clock) for n in range(2)]
    for _ in range(30):
        await ledgers[0].reserve([CALL] * 40)
    clock.advance_to(LATER)
    assert sum(await asyncio.gather(*(ledger.sweep() for ledger in ledgers))) == 1200
    assert await ledgers[0].month_total() == 12
    assert await CostRepository(db).check_totals(NOW) == []


async def test_settling_after_the_sweep_corrects_once(
    ledger: Ledger, db: Database, clock: SteppedClock
) -> None:
    late, never_sent = await ledger.reserve([CALL, CALL])
    clock.advance_to(LATER)
    await ledger.sweep()
    for _ in range(2):
        await ledger.settle([(late, Usage(1_000, 500))])
        await ledger.release([never_sent])
    assert await entries(db) == [(Decimal("0.0015"), "ok", False, False)]
    assert await ledger.month_total() == Decimal("0.0015")
    assert await CostRepository(db).check_totals(NOW) == []


async def test_a_cancelled_reserve_leaves_nothing_behind(ledger: Ledger, db: Database) -> None:
    await Budgets(BudgetRepository(db), SteppedClock(NOW)).set(HARD)
    reserving = [asyncio.create_task(ledger.reserve([CALL])) for _ in range(10)]
    for turns, task in enumerate(reserving):
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*reserving, return_exceptions=True)
    await ledger.close()
    kept = sum(not task.cancelled() for task in reserving)
    assert await reservations(db) == kept
    assert await Budgets(BudgetRepository(db), SteppedClock(NOW)).check_totals() == []


async def test_a_person_who_may_not_be_named_is_not_named_in_a_reservation(
    db: Database, clock: SteppedClock
) -> None:
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), clock, may_name=lambda person: False)
    await ledger.reserve([CALL])
    assert await db.fetch_all("SELECT person_id FROM cost_reservations") == [(None,)]


async def test_an_entry_keeps_its_price_and_our_estimate_beside_the_providers_cost(
    ledger: Ledger, db: Database
) -> None:
    [reservation] = await ledger.reserve([CALL])
    usage = Usage(1_000, 500, cache_write=100, reasoning=200, cost=Decimal("0.0011"))
    await ledger.settle([(reservation, usage)])
    row = await db.fetch_one(
        """SELECT cost_usd, price_source, estimate_usd, price::json ->> 'input', reserved_usd, above_reserved,
            cache_write_tokens, reasoning_tokens
        FROM cost_entries"""
    )
    assert row == (
        Decimal("0.0011"), "provider", Decimal("0.0015"), "1", Decimal("0.01"), False, 100, 200
    )  # fmt: skip


@pytest.fixture
async def stoppable(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedServer, Database]]:
    async with (
        EmbeddedServer.open(tmp_path / "pg", options={"fsync": "off"}) as server,
        Database.open(DatabaseSettings(url=server.url())) as db,
    ):
        await migrate(db, "core", migrations_in("wompcore.repos"))
        yield server, db


async def test_without_the_database_a_hard_budget_admits_nothing_and_no_cost_is_lost(
    stoppable: tuple[EmbeddedServer, Database], clock: SteppedClock
) -> None:
    server, db = stoppable
    budgets, ledger = (
        Budgets(BudgetRepository(db), clock),
        Ledger(CostRepository(db), BOOK, EntryIds(1), clock),
    )
    await budgets.set(HARD)
    begun = await ledger.reserve([CALL])
    await asyncio.to_thread(server.stop)
    with pytest.raises(DatabaseUnavailable, match="no budget can be asked"):
        await ledger.reserve([CALL])
    await ledger.settle([(begun[0], Usage(1_000, 500))])
    await asyncio.to_thread(server.start)
    await ledger.close()
    assert await entries(db) == [(Decimal("0.0015"), "ok", False, False)]
    assert await reservations(db) == 0
    assert await budgets.check_totals() == []


async def test_a_process_that_never_reached_the_database_admits_nothing_without_it(
    stoppable: tuple[EmbeddedServer, Database], clock: SteppedClock
) -> None:
    server, db = stoppable
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), clock)
    await asyncio.to_thread(server.stop)
    with pytest.raises(DatabaseUnavailable):
        await ledger.reserve([CALL])
    await asyncio.to_thread(server.start)
    await ledger.close()
    assert await reservations(db) == 0


async def test_bounds_that_make_no_sense_hold_nothing_below_zero(ledger: Ledger) -> None:
    for bounds in (
        {"max_input_tokens": -10_000},
        {"images": -1},
        {"max_audio_s": float("nan")},
        {"expected": Usage(-5, audio_s=float("inf"))},
    ):
        [reservation] = await ledger.reserve([Call("p", "m", WHO, **bounds)])
        assert (reservation.worst_usd, reservation.worst_tokens) == (0, 0)
        await ledger.release([reservation])


async def test_a_call_above_its_reservation_is_said_in_the_log(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    [reservation] = await ledger.reserve([CALL])
    for _ in range(2):
        await ledger.settle([(reservation, Usage(cost=Decimal("0.02")))])
    assert caplog.messages == ["p cost more for m than it was allowed: $0.02 of $0.010"]
