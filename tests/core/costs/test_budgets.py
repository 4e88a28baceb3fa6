"""Budgets hold: whoever spends, and whatever becomes of the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings, Price
from wompcore.costs import Budget, Budgets, Call, Crossing, Ledger, PriceBook
from wompcore.db import Database
from wompcore.errors import BudgetExceeded, BudgetInvalid
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.usage import Attribution, Purpose, Usage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHO = Attribution(Purpose.CHAT, plugin="chat", guild_id=7, channel_id=8, person_id=9)
# A dollar per million tokens, so that 10,000 bytes of input are a cent at the worst.
BOOK = PriceBook(CostSettings(default_price=Price(input=Decimal(1), output=Decimal(1))), {})
CENT = Call("p", "m", WHO, max_input_tokens=10_000, expected=Usage(2_500))
COST_A_CENT = Usage(10_000)
DIME = Decimal("0.10")


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOW)


@pytest.fixture
def budgets(db: Database, clock: SteppedClock) -> Budgets:
    return Budgets(BudgetRepository(db), clock)


@pytest.fixture
async def ledger(db: Database, clock: SteppedClock) -> AsyncIterator[Ledger]:
    ledger = Ledger(CostRepository(db), BOOK, EntryIds(1), clock)
    yield ledger
    await ledger.close()


def hard(scope: Any = "all", key: str = "", amount: Any = DIME, **more: Any) -> Budget:
    return Budget(scope, key, action="refuse", amount=Decimal(amount), **more)


async def spend(ledger: Ledger, count: int = 1, call: Call = CENT, usage: Usage = COST_A_CENT) -> None:
    for _ in range(count):
        [reservation] = await ledger.reserve([call])
        await ledger.settle([(reservation, usage)])


async def spent_of(budgets: Budgets) -> list[tuple[object, ...]]:
    return [(used.spent, used.held) for use in await budgets.all() for used in use.used]


async def test_a_hard_budget_refuses_by_the_worst_case(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(hard())
    await spend(ledger, 9, usage=Usage(10_000))
    held = await ledger.reserve([CENT])
    with pytest.raises(BudgetExceeded, match="everything") as caught:
        await ledger.reserve([CENT])
    refusal = caught.value
    assert (refusal.scope, refusal.limit, refusal.spent, refusal.needed) == (
        "all",
        DIME,
        DIME,
        Decimal("0.01"),
    )
    assert refusal.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    await ledger.settle([(held[0], Usage(2_500))])
    await ledger.release(await ledger.reserve([replace(CENT, max_input_tokens=7_500)]))
    assert await budgets.check_totals() == []


async def test_a_refused_call_holds_nothing(ledger: Ledger, budgets: Budgets, db: Database) -> None:
    await budgets.set(hard(amount="0.015"))
    with pytest.raises(BudgetExceeded):
        await ledger.reserve([CENT, CENT])
    assert await db.fetch_value("SELECT count(*) FROM cost_reservations") == 0
    await ledger.release(await ledger.reserve([CENT]))
    assert await spent_of(budgets) == [(0, 0)]


@pytest.mark.parametrize(
    ("scope", "key", "other"),
    [
        ("guild", "7", {"guild_id": 1}),
        ("channel", "8", {"channel_id": 1}),
        ("person", "9", {"person_id": 1}),
        ("plugin", "chat", {"plugin": "other"}),
        ("purpose", "chat", {"purpose": Purpose.SEARCH}),
    ],
)
async def test_a_budget_counts_its_scope_only(
    ledger: Ledger, budgets: Budgets, scope: str, key: str, other: dict[str, Any]
) -> None:
    await budgets.set(hard(scope, key, "0.01"))
    elsewhere = replace(CENT, attribution=replace(WHO, **other))
    await spend(ledger, 3, elsewhere)
    await spend(ledger)
    await spend(ledger, 3, elsewhere)
    with pytest.raises(BudgetExceeded) as caught:
        await ledger.reserve([CENT])
    assert (caught.value.scope, caught.value.key) == (scope, key)


async def test_a_budget_may_be_for_one_model(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(hard("model", "m", "0"))
    await spend(ledger, call=replace(CENT, model="n"))
    with pytest.raises(BudgetExceeded):
        await ledger.reserve([CENT])


async def test_a_budget_for_each_counts_each_on_its_own(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(hard("person", "*", "0.01"))
    for person in (1, 2, 3):
        call = replace(CENT, attribution=replace(WHO, person_id=person))
        await spend(ledger, call=call)
        with pytest.raises(BudgetExceeded) as caught:
            await ledger.reserve([call])
        assert caught.value.key == str(person)
    assert [used.key for use in await budgets.all() for used in use.used] == ["1", "2", "3"]


async def test_tokens_can_be_limited_too(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(hard(amount=20_000, unit="tokens"))
    await spend(ledger, 2)
    with pytest.raises(BudgetExceeded) as caught:
        await ledger.reserve([CENT])
    assert (caught.value.unit, caught.value.needed) == ("tokens", 10_000)


async def test_background_calls_stop_first(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(hard(background_amount=Decimal("0.02")))
    background = replace(CENT, attribution=replace(WHO, purpose=Purpose.CLAIM_CHECK))
    await spend(ledger, 2, background)
    with pytest.raises(BudgetExceeded) as caught:
        await ledger.reserve([background])
    assert caught.value.limit == Decimal("0.02")
    await spend(ledger, 8)


async def test_a_soft_budget_advises_by_the_expected_cost(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(replace(hard(amount="0.0125"), action="fall_back"))
    await budgets.set(replace(hard(amount="0.0100"), action="warn", key="9", scope="person"))
    await spend(ledger, usage=Usage(7_500))
    [go], [warn], [fall_back] = [await ledger.reserve([CENT]) for _ in range(3)]
    assert [go.advice, warn.advice, fall_back.advice] == ["go", "warn", "fall_back"]
    assert [limit.scope for limit in warn.passed] == ["person"]
    assert fall_back.passed[0].needed == Decimal("0.0025")
    await ledger.release([go, warn, fall_back])


async def test_calls_at_once_are_judged_one_by_one(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(hard(amount="0.07"))
    admitted = await asyncio.gather(*(ledger.reserve([CENT]) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, list) for one in admitted) == 7
    assert await spent_of(budgets) == [(0, Decimal("0.07"))]


async def test_fifty_tasks_race_for_the_last_cent_and_one_wins(db: Database, clock: SteppedClock) -> None:
    budgets = Budgets(BudgetRepository(db), clock)
    await budgets.set(hard())
    await budgets.set(hard("guild", "7", "0.50"))
    ledgers = [Ledger(CostRepository(db), BOOK, EntryIds(n), clock) for n in range(50)]
    await spend(ledgers[0], 9)
    won = await asyncio.gather(*(spend(ledger) for ledger in ledgers), return_exceptions=True)
    assert sum(result is None for result in won) == 1
    assert {type(result) for result in won if result} == {BudgetExceeded}
    assert await spent_of(budgets) == [(DIME, 0), (DIME, 0)]
    assert await budgets.check_totals() == []


async def test_a_provider_above_its_reservation_bars_the_budget(
    ledger: Ledger, budgets: Budgets, clock: SteppedClock, db: Database
) -> None:
    budget = await budgets.set(hard(period="day"))
    await spend(ledger, usage=Usage(20_000))
    assert await db.fetch_one("SELECT cost_usd, reserved_usd, above_reserved FROM cost_entries") == (
        Decimal("0.02"), Decimal("0.01"), True,
    )  # fmt: skip
    with pytest.raises(BudgetExceeded, match="above its reservation") as caught:
        await ledger.reserve([CENT])
    assert caught.value.barred
    assert await budgets.lift(budget.id)
    assert not await budgets.lift(budget.id)
    await spend(ledger, usage=Usage(cost=Decimal("0.03")))
    with pytest.raises(BudgetExceeded):
        await ledger.reserve([CENT])
    clock.advance_to(NOW + timedelta(days=1))
    await spend(ledger)


@pytest.mark.parametrize("period", ["hour", "day", "month", "total"])
async def test_a_closed_budget_stays_closed_in_another_zone(
    ledger: Ledger, budgets: Budgets, clock: SteppedClock, period: Any
) -> None:
    budget = await budgets.set(hard(period=period))
    clock.advance_to(NOW + timedelta(minutes=1))  # a total one begins with calls after it was set
    await spend(ledger, usage=Usage(20_000))
    for zone in ("Asia/Tokyo", "America/New_York"):
        await budgets.set(hard(period=period, zone=zone, amount=1))
        with pytest.raises(BudgetExceeded, match="above its reservation"):
            await ledger.reserve([CENT])
    assert await budgets.lift(budget.id)
    await budgets.set(hard(period=period))
    await spend(ledger)


async def test_what_was_spent_before_a_budget_is_set_counts(
    ledger: Ledger, budgets: Budgets, clock: SteppedClock
) -> None:
    await spend(ledger, 4)
    open_calls = await ledger.reserve([CENT])
    for period in ("hour", "day", "month"):
        await budgets.set(hard(period=period))
    clock.advance_to(NOW + timedelta(seconds=1))
    await budgets.set(hard(period="total"))
    assert await spent_of(budgets) == [(Decimal("0.04"), Decimal("0.01"))] * 3
    await ledger.settle([(open_calls[0], COST_A_CENT)])
    assert await spent_of(budgets) == [(Decimal("0.05"), 0)] * 3
    assert await budgets.check_totals() == []


async def test_a_rolling_hour_frees_what_is_older(
    ledger: Ledger, budgets: Budgets, clock: SteppedClock
) -> None:
    await budgets.set(hard(amount="0.02", period="hour"))
    for minutes in (0, 30):
        clock.advance_to(NOW + timedelta(minutes=minutes))
        await spend(ledger)
    with pytest.raises(BudgetExceeded) as caught:
        await ledger.reserve([CENT])
    assert caught.value.resets_at == NOW + timedelta(minutes=61)
    clock.advance_to(NOW + timedelta(minutes=60, seconds=59))
    with pytest.raises(BudgetExceeded):
        await ledger.reserve([CENT])
    clock.advance_to(NOW + timedelta(minutes=61))
    await spend(ledger)
    assert await budgets.check_totals() == []
    clock.advance_to(NOW + timedelta(days=2))
    await budgets.forget()
    await spend(ledger, 2)


@pytest.mark.parametrize(
    ("zone", "period", "last", "resets_at"),
    [
        # The day the clocks went back in Berlin had 25 hours; the one they went forward had 23.
        ("Europe/Berlin", "day", datetime(2026, 10, 25, 22, 59, 59), datetime(2026, 10, 25, 23)),
        ("Europe/Berlin", "day", datetime(2026, 10, 24, 22, 0, 0), datetime(2026, 10, 25, 23)),
        ("Europe/Berlin", "day", datetime(2026, 3, 28, 23, 0, 0), datetime(2026, 3, 29, 22)),
        ("Europe/Berlin", "month", datetime(2026, 10, 31, 22, 59, 59), datetime(2026, 10, 31, 23)),
        ("America/New_York", "month", datetime(2026, 3, 1, 5), datetime(2026, 4, 1, 4)),
        ("UTC", "month", datetime(2026, 12, 31, 23, 59, 59), datetime(2027, 1, 1)),
    ],
)
async def test_windows_end_where_the_zone_says(
    db: Database, zone: str, period: Any, last: datetime, resets_at: datetime
) -> None:
    clock = SteppedClock(last.replace(tzinfo=UTC))
    ledger, budgets = (
        Ledger(CostRepository(db), BOOK, EntryIds(1), clock),
        Budgets(BudgetRepository(db), clock),
    )
    await budgets.set(hard(amount="0.01", period=period, zone=zone))
    late = await ledger.reserve([CENT])
    with pytest.raises(BudgetExceeded) as caught:
        await ledger.reserve([CENT])
    assert caught.value.resets_at == resets_at.replace(tzinfo=UTC)
    clock.advance_to(resets_at.replace(tzinfo=UTC) - timedelta(milliseconds=1))
    with pytest.raises(BudgetExceeded):
        await ledger.reserve([CENT])
    clock.advance_to(resets_at.replace(tzinfo=UTC))
    await spend(ledger)
    await ledger.settle([(late[0], COST_A_CENT)])  # counts where it was reserved
    with pytest.raises(BudgetExceeded):
        await ledger.reserve([CENT])
    assert await budgets.check_totals() == []
    await ledger.close()


async def test_thresholds_are_crossed_once_whoever_crosses_them(db: Database, clock: SteppedClock) -> None:
    budgets = Budgets(BudgetRepository(db), clock)
    await budgets.set(Budget("all", amount=Decimal(8), alert_step=Decimal(1)))
    ledgers = [Ledger(CostRepository(db), BOOK, EntryIds(n), clock) for n in range(8)]
    await asyncio.gather(*(spend(ledger, 125) for ledger in ledgers))
    seen: list[Crossing] = []

    async def note(crossing: Crossing) -> None:
        await asyncio.sleep(0)
        seen.append(crossing)

    assert sum(await asyncio.gather(*(budgets.hand_out(note) for _ in range(4)))) == len(seen)
    assert sorted((one.percent, one.threshold) for one in seen) == [
        (0, 10), (50, 4), (80, Decimal("6.4")), (100, 8),
    ]  # fmt: skip
    assert await budgets.hand_out(note) == 0


async def test_steps_are_told_by_the_highest_and_not_one_after_the_other(
    ledger: Ledger, budgets: Budgets, db: Database
) -> None:
    await budgets.set(Budget("all", alert_step=Decimal("0.01")))
    told: list[Decimal] = []

    async def tell(crossing: Crossing) -> None:
        told.append(crossing.threshold)

    for _ in range(3):
        await spend(ledger, 5)
        await budgets.hand_out(tell)
    assert told == [Decimal("0.05")]
    await db.execute("UPDATE budget_crossings SET delivered_at = delivered_at - interval '11 minutes'")
    await asyncio.gather(*(budgets.hand_out(tell) for _ in range(4)))
    assert told == [Decimal("0.05"), Decimal("0.15")]
    await db.execute("UPDATE budget_crossings SET delivered_at = delivered_at - interval '11 minutes'")
    assert await budgets.hand_out(tell) == 0


async def test_a_threshold_is_told_once_per_window(
    ledger: Ledger, budgets: Budgets, clock: SteppedClock
) -> None:
    await budgets.set(Budget("all", amount=Decimal("0.02"), period="day", alert_percents=(50,)))
    seen: list[datetime | None] = []

    async def note(crossing: Crossing) -> None:
        seen.append(crossing.starts_at)

    for day in (23, 23, 24):
        clock.advance_to(NOW.replace(day=day))
        await spend(ledger)
    await budgets.hand_out(note)
    assert seen == [datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)]


async def test_the_owner_is_told_once_that_a_budget_refuses(ledger: Ledger, budgets: Budgets) -> None:
    told: list[tuple[object, ...]] = []

    async def tell(crossing: Crossing) -> None:
        told.append((crossing.scope, crossing.refused, crossing.threshold, crossing.spent))

    limit = Decimal("0.015")
    await budgets.set(hard(amount=limit, alert_percents=()))
    await budgets.set(hard("person", "*", amount=limit, alert_percents=()))  # the person hears of that
    await spend(ledger)
    for _ in range(3):
        with pytest.raises(BudgetExceeded):
            await ledger.reserve([CENT])
    await budgets.hand_out(tell)
    assert told == [("all", True, limit, Decimal("0.01"))]


async def test_a_crossing_that_could_not_be_handed_out_is_handed_out_again(
    ledger: Ledger, budgets: Budgets
) -> None:
    await budgets.set(Budget("all", alert_step=Decimal("0.01")))
    await spend(ledger)
    seen: list[int] = []

    async def fail(crossing: Crossing) -> None:
        seen.append(crossing.id)
        if len(seen) == 1:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await budgets.hand_out(fail)
    assert await budgets.hand_out(fail) == 1
    assert seen[0] == seen[1]


async def test_a_meter_that_is_wrong_is_found_and_repaired(
    ledger: Ledger, budgets: Budgets, db: Database
) -> None:
    budget = await budgets.set(hard())
    await spend(ledger, 3)
    await db.execute("UPDATE budget_meters SET spent = spent + 0.001")
    assert [(one, key) for one, key, _ in await budgets.check_totals()] == [(budget.id, "")]
    await budgets.rebuild_totals()
    assert await budgets.check_totals() == []
    assert await spent_of(budgets) == [(Decimal("0.03"), 0)]


async def test_calls_go_on_while_totals_are_summed_anew(db: Database, clock: SteppedClock) -> None:
    costs, budgets = CostRepository(db), Budgets(BudgetRepository(db), clock)
    for scope, key, period in (("all", "", "month"), ("person", "*", "hour"), ("guild", "7", "total")):
        await budgets.set(hard(scope, key, 100, period=period))
    clock.advance_to(NOW + timedelta(seconds=1))
    ledgers = [Ledger(costs, BOOK, EntryIds(n), clock) for n in range(3)]
    await db.execute("UPDATE cost_totals SET calls = calls + 1")
    going = asyncio.gather(*(spend(ledger, 15) for ledger in ledgers for _ in range(4)))
    while not going.done():
        for month in await costs.months():
            await costs.rebuild_totals(month)
        await budgets.rebuild_totals()
        assert await costs.check_totals(NOW) == []
        assert await budgets.check_totals() == []
    await going
    assert await costs.check_totals(NOW) == []
    assert await spent_of(budgets) == [(Decimal("1.80"), 0)] * 3


async def test_a_budget_is_changed_and_removed(ledger: Ledger, budgets: Budgets) -> None:
    first = await budgets.set(hard(amount="0.01"))
    assert (await budgets.set(hard(amount="0.02"))).id == first.id
    await spend(ledger, 2)
    with pytest.raises(BudgetExceeded):
        await ledger.reserve([CENT])
    assert await budgets.remove(first.id)
    assert not await budgets.remove(first.id)
    await spend(ledger)
    assert await budgets.all() == []


async def test_a_budget_removed_under_a_call_loses_no_cost(
    ledger: Ledger, budgets: Budgets, db: Database
) -> None:
    async def waiting(count: int) -> None:
        async with asyncio.timeout(20):
            while await db.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted") < count:  # noqa: ASYNC110 # nothing tells
                await asyncio.sleep(0.01)

    kept = await budgets.set(hard())
    [reservation] = await ledger.reserve([CENT])
    async with db.transaction() as connection:
        await connection.execute("LOCK TABLE budget_meters IN SHARE MODE")  # both stop before they write
        settling = asyncio.create_task(ledger.settle([(reservation, COST_A_CENT)]))
        await waiting(1)
        removing = asyncio.create_task(budgets.remove(kept.id))
        await waiting(2)
    assert await removing
    await settling
    assert await ledger.month_total() == Decimal("0.01")
    assert await db.fetch_value("SELECT count(*) FROM cost_reservations") == 0


@pytest.mark.parametrize(
    "budget",
    [
        hard(zone="Mars/Olympus"),
        hard("guild"),
        hard(key="7"),
        hard(amount="-1"),
        hard(amount="NaN"),
        hard(background_amount=Decimal(1)),
        Budget("all", action="refuse"),
        Budget("all", alert_step=Decimal(0)),
        hard(alert_percents=(0,)),
        hard(alert_percents=(10**12,)),
        hard(amount="1e-20000"),
        hard(zone="Europe"),
        hard(zone="posix/Europe/Berlin"),
        hard(zone="x" * 5000),
        hard("person", "bob"),
        hard("guild", "9" * 20),
        hard("purpose", "fun"),
        hard("model", "a\0b"),
        hard("plugin", "a\nb"),
        Budget("all", alert_step=Decimal(1), background_amount=Decimal(0)),
        Budget("all", alert_step=Decimal("0.000001")),
        Budget("all", alert_step=Decimal(999), unit="tokens"),
        Budget("all", alert_step=Decimal("sNaN")),
        hard(amount="1e-13"),
        hard(amount="999999999999999.0000000000001"),
        hard(amount="0.5", unit="tokens"),
        hard(amount="1e999999"),
        hard(amount="-0.0001"),
    ],
    ids=lambda budget: str(budget)[:60],
)
async def test_a_budget_that_makes_no_sense_is_refused(budgets: Budgets, budget: Budget) -> None:
    with pytest.raises(BudgetInvalid):
        await budgets.set(budget)


async def test_a_guild_sees_its_own_budgets_and_use_only(ledger: Ledger, budgets: Budgets) -> None:
    for scope, key in (("all", ""), ("person", "*"), ("guild", "7"), ("guild", "1"), ("guild", "*"),
                       ("channel", "8"), ("channel", "2"), ("channel", "*")):  # fmt: skip
        await budgets.set(hard(scope, key))
    await spend(ledger)
    await spend(ledger, 2, replace(CENT, attribution=replace(WHO, guild_id=1, channel_id=2)))
    seen = [
        (use.budget.scope, use.budget.key, [(used.key, used.spent) for used in use.used])
        for use in await budgets.of_guild(7, [8])
    ]
    cent = Decimal("0.01")
    assert seen == [
        ("channel", "*", [("8", cent)]),
        ("channel", "8", [("8", cent)]),
        ("guild", "*", [("7", cent)]),
        ("guild", "7", [("7", cent)]),
    ]


async def test_of_a_budget_for_each_the_first_keys_are_told(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(hard("person", "*"))
    for person in range(1, 6):
        await spend(ledger, person, replace(CENT, attribution=replace(WHO, person_id=person)))
    [use] = await budgets.all(limit=2)
    assert [used.key for used in use.used] == ["5", "4"]
