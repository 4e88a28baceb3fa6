"""Old entries go by whole months; what they came to stays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CoreSettings, CostSettings, DatabaseSettings, Price
from wompcore.core import Core
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook
from wompcore.db import Database
from wompcore.errors import TotalsWrong
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.repos.costs_retention import CostRetention
from wompcore.repos.partitions import PartitionRepository
from wompcore.usage import Attribution, Purpose, Usage

MONTHS = [datetime(2026, month, 15, tzinfo=UTC) for month in (8, 9, 10, 11)]
AUGUST, SEPTEMBER, OCTOBER, NOVEMBER = MONTHS
CALL = Call("p", "m", Attribution(Purpose.CHAT, channel_id=8), max_input_tokens=1_000_000)


@pytest.fixture
async def budgets(db: Database) -> Budgets:
    """A dollar was spent in each month, those of the first two without a partition."""
    clock = SteppedClock(AUGUST)
    book = PriceBook(CostSettings(default_price=Price(input=Decimal(1), output=Decimal(1))), {})
    ledger, budgets = (
        Ledger(CostRepository(db), book, EntryIds(1), clock),
        Budgets(BudgetRepository(db), clock),
    )
    await budgets.set(Budget("channel", "8", "total", action="refuse", amount=Decimal(5)))
    for month in MONTHS:
        clock.advance_to(month)
        if month == OCTOBER:
            await PartitionRepository(db).ensure(month)
        [reservation] = await ledger.reserve([CALL])
        await ledger.settle([(reservation, Usage(1_000_000))])
    await ledger.close()
    return budgets


async def test_months_are_dropped_and_their_totals_stay(db: Database, budgets: Budgets) -> None:
    costs, retention = CostRepository(db), CostRetention(db)
    dropped = await retention.drop_before(NOVEMBER)
    assert [f"{month:%B}" for month in dropped] == ["August", "September", "October"]
    assert await db.fetch_value("SELECT count(*) FROM cost_entries") == 1
    assert await db.fetch_value("SELECT to_regclass('cost_entries_y2026m10')") is None
    for month in MONTHS:
        assert (await costs.month_total(month)).cost_usd == 1
        await costs.rebuild_totals(month)
        assert await costs.check_totals(month) == []
        assert (await costs.month_total(month)).cost_usd == 1
    assert await retention.drop_before(NOVEMBER) == []


async def test_a_total_budget_goes_on_counting_what_was_dropped(db: Database, budgets: Budgets) -> None:
    await CostRetention(db).drop_before(NOVEMBER)
    assert await budgets.check_totals() == []
    await budgets.rebuild_totals()
    [use] = await budgets.all()
    assert use.used[0].spent == 4


async def test_nothing_is_dropped_that_its_total_does_not_hold(db: Database, budgets: Budgets) -> None:
    await db.execute("UPDATE cost_totals SET calls = calls + 1 WHERE month = '2026-09-01'")
    with pytest.raises(TotalsWrong, match="September 2026"):
        await CostRetention(db).drop_before(NOVEMBER)
    assert await db.fetch_value("SELECT count(*) FROM cost_entries") == 3


@pytest.mark.parametrize(("months", "left"), [(0, 1), (1, 2), (3, 4), (30, 4)])
async def test_so_many_months_before_the_current_one_are_kept(
    db: Database, budgets: Budgets, months: int, left: int
) -> None:
    await CostRetention(db).keep(months, NOVEMBER)
    assert await db.fetch_value("SELECT count(*) FROM cost_entries") == left


async def test_a_daily_job_drops_what_the_settings_do_not_keep(
    db: Database, budgets: Budgets, database_settings: DatabaseSettings
) -> None:
    settings = CoreSettings(database=database_settings, costs=CostSettings(keep_months=1))
    async with Core.open(settings, clock=SteppedClock(NOVEMBER)) as core:
        await core.jobs.defer("costs.drop")
        core.jobs.start(poll_s=0.05)
        async with asyncio.timeout(20):
            while await db.fetch_value("SELECT count(*) FROM cost_entries") > 2:  # noqa: ASYNC110 # a job does it
                await asyncio.sleep(0.05)
    assert await budgets.check_totals() == []


@pytest.mark.parametrize("swept", [True, False])
async def test_a_call_settled_after_its_month_was_dropped_counts_once(
    db: Database, budgets: Budgets, swept: bool
) -> None:
    """One that was swept stays at its worst case; one that was still open counts as it was."""
    costs, clock = CostRepository(db), SteppedClock(OCTOBER)
    book = PriceBook(CostSettings(default_price=Price(input=Decimal(1), output=Decimal(1))), {})
    ledger = Ledger(costs, book, EntryIds(2), clock)
    late, never_sent = await ledger.reserve([CALL, replace(CALL, max_input_tokens=0)])
    clock.advance_to(NOVEMBER)
    if swept:
        assert await ledger.sweep() == 2
    await CostRetention(db).drop_before(NOVEMBER)
    for _ in range(2):
        await ledger.settle([(late, Usage(500_000))])
        await ledger.release([never_sent])
    counted = 2 if swept else Decimal("1.5")
    assert (await costs.month_total(OCTOBER)).cost_usd == counted
    [use] = await budgets.all()
    assert (use.used[0].spent, use.used[0].held) == (3 + counted, 0)
    await CostRetention(db).drop_before(NOVEMBER)
    assert await budgets.check_totals() == []
    assert (await costs.month_total(OCTOBER)).cost_usd == counted
    await ledger.close()
