"""A person is taken out of the ledger, and it still balances."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook
from wompcore.db import Database
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.repos.costs_retention import CostRetention
from wompcore.usage import Attribution, Purpose, Usage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
CALL = Call("p", "m", Attribution(Purpose.CHAT, guild_id=7, person_id=9, message_id=3), fixed_cost=Decimal(1))
HERS = replace(CALL, attribution=replace(CALL.attribution, person_id=10))


@pytest.fixture
async def ledger(db: Database) -> AsyncIterator[Ledger]:
    ledger = Ledger(CostRepository(db), PriceBook(CostSettings(), {}), EntryIds(1), SteppedClock(NOW))
    yield ledger
    await ledger.close()


@pytest.fixture
async def budgets(db: Database) -> Budgets:
    budgets = Budgets(BudgetRepository(db), SteppedClock(NOW))
    for budget in (
        Budget("all", action="refuse", amount=Decimal(100)),
        Budget("person", "*", action="refuse", amount=Decimal(2)),
        Budget("person", "9", "hour", amount=Decimal(1)),
        Budget("guild", "7", "total", amount=Decimal(50)),
    ):
        await budgets.set(budget)
    return budgets


async def pay(ledger: Ledger, call: Call) -> None:
    [reservation] = await ledger.reserve([call])
    await ledger.settle([(reservation, Usage())])


async def balanced(db: Database, budgets: Budgets) -> bool:
    return await CostRepository(db).check_totals(NOW) == [] and await budgets.check_totals() == []


async def test_what_is_left_names_nobody_and_balances(db: Database, ledger: Ledger, budgets: Budgets) -> None:
    for call in (CALL, CALL, HERS):
        await pay(ledger, call)
    costs = CostRepository(db)
    assert await costs.forget_person(9) == 2
    assert await balanced(db, budgets)
    assert (await costs.month_total(NOW)).cost_usd == 3
    assert [total.key for total in await costs.by_person(0, NOW)] == ["10"]
    assert await db.fetch_value("SELECT count(*) FROM cost_entries WHERE message_id IS NOT NULL") == 1
    for table in ("budgets", "budget_meters", "budget_crossings"):
        assert await db.fetch_value(f"SELECT count(*) FROM {table} WHERE key = '9'") == 0
    assert await costs.forget_person(9) == 0


async def test_a_rebuild_afterwards_changes_nothing(db: Database, ledger: Ledger, budgets: Budgets) -> None:
    await pay(ledger, CALL)
    costs = CostRepository(db)
    await costs.forget_person(9)
    totals = "SELECT scope, key, guild_id, calls, cost_usd FROM cost_totals ORDER BY 1, 2, 3"
    before = await db.fetch_all(totals)
    await costs.rebuild_totals(NOW)
    await budgets.rebuild_totals()
    assert await db.fetch_all(totals) == before
    assert await balanced(db, budgets)


async def test_old_months_can_still_be_dropped(db: Database, ledger: Ledger, budgets: Budgets) -> None:
    await pay(ledger, CALL)
    await CostRepository(db).forget_person(9)
    assert len(await CostRetention(db).drop_before(LATER)) == 1
    assert await Budgets(BudgetRepository(db), SteppedClock(LATER)).check_totals() == []


@pytest.mark.parametrize("ending", ["settled", "released", "swept"])
async def test_a_call_in_progress_balances_however_it_ends(
    db: Database, ledger: Ledger, budgets: Budgets, ending: str
) -> None:
    [reservation] = await ledger.reserve([CALL])
    await CostRepository(db).forget_person(9)
    if ending == "settled":
        await ledger.settle([(reservation, Usage())])
    elif ending == "released":
        await ledger.release([reservation])
    else:
        assert await CostRepository(db).sweep(LATER) == 1
    assert await balanced(db, budgets)


async def test_a_person_is_forgotten_while_calls_go_on(
    db: Database, ledger: Ledger, budgets: Budgets
) -> None:
    free = replace(CALL, fixed_cost=Decimal(0))
    costs = CostRepository(db)
    await asyncio.gather(
        *(pay(ledger, call) for call in (free, replace(HERS, fixed_cost=Decimal(0))) * 40),
        *(costs.forget_person(9) for _ in range(5)),
    )
    assert await balanced(db, budgets)
    await costs.forget_person(9)
    assert await balanced(db, budgets)
    assert await db.fetch_value("SELECT count(*) FROM cost_entries WHERE person_id = 9") == 0


@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.parametrize("in_guild", [True, False])
async def test_a_cost_that_waits_in_another_process_names_nobody_afterwards(
    db: Database, ledger: Ledger, budgets: Budgets, swept: bool, in_guild: bool
) -> None:
    call = CALL if in_guild else replace(CALL, attribution=Attribution(Purpose.CHAT, person_id=9))
    hers, other = await ledger.reserve([call, HERS])
    costs = CostRepository(db)
    if swept:
        await costs.sweep(LATER)
    await costs.forget_person(9)
    await ledger.settle([(hers, Usage()), (other, Usage())])
    await ledger.settle([(hers, Usage())])
    assert await db.fetch_all(
        "SELECT person_id, payer_id, message_id, outcome FROM cost_entries ORDER BY id"
    ) == [(None, None, None, "ok"), (10, None, 3, "ok")]
    assert await balanced(db, budgets)
    assert (await costs.month_total(NOW)).cost_usd == 2
    for table in ("cost_totals", "budget_meters", "budget_crossings"):
        assert await db.fetch_value(f"SELECT count(*) FROM {table} WHERE key = '9'") == 0
