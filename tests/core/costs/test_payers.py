"""Budgets for people hold for those who opted out too, and then nobody knows who it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook
from wompcore.db import Database
from wompcore.errors import BudgetExceeded
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostEntry, CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.repos.costs_retention import CostRetention
from wompcore.repos.deliveries import DeliveryRepository
from wompcore.usage import Attribution, Purpose, Usage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHO = Attribution(Purpose.CHAT, guild_id=7, person_id=9, message_id=3)
CALL = Call("p", "m", WHO, fixed_cost=Decimal(1))
EACH = Budget("person", "*", "day", action="refuse", amount=Decimal(2))
NAMED = """
SELECT (SELECT count(*) FROM cost_entries WHERE 9 IN (person_id, payer_id))
    + (SELECT count(*) FROM cost_reservations WHERE 9 IN (person_id, payer_id))
    + (SELECT count(*) FROM budget_meters WHERE key = '9')
    + (SELECT count(*) FROM budget_crossings WHERE key = '9')
    + (SELECT count(*) FROM cost_totals WHERE key = '9')
"""


class People:
    """Who opted out."""

    def __init__(self) -> None:
        self.out: set[int] = set()

    @contextmanager
    def opted_out(self, person: int) -> Iterator[None]:
        self.out.add(person)
        yield
        self.out.remove(person)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOW)


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
async def ledger(db: Database, clock: SteppedClock, people: People) -> AsyncIterator[Ledger]:
    book = PriceBook(CostSettings(), {})
    ledger = Ledger(
        CostRepository(db), book, EntryIds(1), clock, may_name=lambda person: person not in people.out
    )
    yield ledger
    await ledger.close()


@pytest.fixture
def budgets(db: Database, clock: SteppedClock) -> Budgets:
    return Budgets(BudgetRepository(db), clock)


async def pay(ledger: Ledger, call: Call = CALL) -> None:
    [reservation] = await ledger.reserve([call])
    await ledger.settle([(reservation, Usage())])


@pytest.mark.parametrize("key", ["*", "9"])
async def test_opting_out_defeats_no_budget_for_people(
    ledger: Ledger, budgets: Budgets, people: People, db: Database, key: str
) -> None:
    await budgets.set(replace(EACH, key=key))
    await pay(ledger)
    with people.opted_out(9):
        await pay(ledger)
        with pytest.raises(BudgetExceeded) as refused:
            await pay(ledger)
        await pay(ledger, replace(CALL, attribution=replace(WHO, person_id=10)))  # each has their own
    assert (refused.value.scope, refused.value.spent) == ("person", 2)
    with pytest.raises(BudgetExceeded):
        await pay(ledger)
    assert await budgets.check_totals() == []
    await budgets.rebuild_totals()
    with pytest.raises(BudgetExceeded):
        await pay(ledger)
    assert await db.fetch_all("SELECT person_id FROM cost_entries ORDER BY id") == [(9,), (None,), (10,)]


async def test_who_opted_out_is_in_no_total_and_told_to_nobody(
    ledger: Ledger, budgets: Budgets, people: People, db: Database
) -> None:
    await budgets.set(EACH)
    told: list[CostEntry] = []
    ledger.settled.add(told.append)
    with people.opted_out(9):
        await pay(ledger)
    assert [(entry.person_id, entry.payer_id, entry.message_id) for entry in told] == [(None, None, None)]
    assert await CostRepository(db).by_person(0, NOW) == []
    assert await CostRepository(db).check_totals(NOW) == []


async def test_without_a_budget_for_people_nobody_is_counted(
    ledger: Ledger, budgets: Budgets, people: People, db: Database
) -> None:
    await budgets.set(Budget("all", action="refuse", amount=Decimal(100)))
    with people.opted_out(9):
        await pay(ledger)
        await ledger.reserve([CALL])
    assert await db.fetch_value(NAMED) == 0
    await budgets.set(EACH)
    assert await budgets.check_totals() == []


@pytest.mark.parametrize("period", ["hour", "day", "month"])
async def test_a_day_after_the_window_nobody_knows_who_it_was(
    ledger: Ledger, budgets: Budgets, people: People, db: Database, clock: SteppedClock, period: str
) -> None:
    await budgets.set(replace(EACH, period=period))  # type: ignore[arg-type] # it is one of them
    await budgets.set(replace(EACH, period="hour", action="warn", zone="Asia/Kathmandu"))
    with people.opted_out(9):
        await pay(ledger)
        await ledger.reserve([CALL])
    await budgets.forget()
    assert await db.fetch_value(NAMED) > 0
    clock.advance_to(NOW + timedelta(minutes=20))
    assert await ledger.sweep() == 1
    await budgets.hand_out(nowhere)
    clock.advance_to(datetime(2026, 12, 2, 0, 1, tzinfo=UTC))
    await budgets.forget()
    assert await db.fetch_value(NAMED) == 0
    assert await budgets.check_totals() == []


async def test_a_total_budget_counts_as_long_as_there_is_one(
    ledger: Ledger, budgets: Budgets, people: People, db: Database, clock: SteppedClock
) -> None:
    total = await budgets.set(replace(EACH, period="total"))
    with people.opted_out(9):
        await pay(ledger)
        await pay(ledger)
        clock.advance_to(datetime(2027, 2, 2, tzinfo=UTC))
        await budgets.forget()
        assert len(await CostRetention(db).drop_before(clock.now())) == 1
        assert await budgets.check_totals() == []
        with pytest.raises(BudgetExceeded):
            await pay(ledger)
    await budgets.remove(total.id)
    await budgets.forget()
    assert await db.fetch_value(NAMED) == 0


@pytest.mark.parametrize("ending", ["settled", "released", "swept"])
async def test_an_erasure_takes_out_who_is_counted_however_a_call_ends(
    ledger: Ledger, budgets: Budgets, people: People, db: Database, clock: SteppedClock, ending: str
) -> None:
    await budgets.set(EACH)
    costs = CostRepository(db)
    people.out.add(9)
    await pay(ledger)
    [reservation] = await ledger.reserve([CALL])
    await costs.forget_person(9)
    assert await db.fetch_value(NAMED) == 0
    if ending == "settled":
        await ledger.settle([(reservation, Usage())])
    elif ending == "released":
        await ledger.release([reservation])
    else:
        clock.advance_to(NOW + timedelta(minutes=20))
        assert await ledger.sweep() == 1
    assert await budgets.check_totals() == []
    assert await costs.check_totals(NOW) == []
    await costs.forget_person(9)
    assert await db.fetch_value(NAMED) == 0


async def test_an_erasure_takes_out_alerts_that_name_the_person(db: Database) -> None:
    deliveries = DeliveryRepository(db)
    await deliveries.add("crossing:1", 5, "50 % spent: <@9>", None)
    await deliveries.add("crossing:2", 5, "50 % spent: <@99>", None)
    await deliveries.add("reminder:3", 5, "greet <@9>", None)
    await CostRepository(db).forget_person(9)
    assert await deliveries.open_keys() == ["crossing:2", "reminder:3"]


async def nowhere(crossing: object) -> None:
    """Take a crossing."""
