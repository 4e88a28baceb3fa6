"""The ledger against a plain model of it: whatever happens in whatever order, both agree exactly."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings, DatabaseSettings
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook, Reservation
from wompcore.db import Database
from wompcore.errors import BudgetExceeded
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.usage import Attribution, Purpose, Usage

TOTALS_EVERY = 10  # steps; each look opens connections of its own
EXAMPLES = 200 if os.environ.get("WOMPBOT_ENDURANCE") else 25
BEGIN = datetime(2026, 10, 24, 21, 30, tzinfo=UTC)  # soon the clocks go back, then the month ends
RISE = date(2026, 10, 25)
LAST_PRICE, NEW_PRICE = Decimal("0.50"), Decimal("0.75")  # dollars per million tokens
PRICES = CostSettings.model_validate(
    {"prices": {"m": [{"input": LAST_PRICE, "output": 0}, {"input": NEW_PRICE, "output": 0, "since": RISE}]}}
)
SWEPT_AFTER = timedelta(minutes=15)
EMPTY = (
    "TRUNCATE cost_entries, cost_totals, cost_reservations, budgets, budget_meters, budget_crossings CASCADE"
)


@dataclass
class Booked:
    """A call in the model: its reservation until it is closed, then its entry."""

    reservation: Reservation
    usd: Decimal
    tokens: int
    state: str = "open"  # open | entry | swept | gone
    forgotten: bool = False  # whom it was for
    unnamed: bool = False  # it was for somebody who opted out

    def applies(self, budget: Budget) -> str | None:
        """Return the key the call counts to, if it counts to the budget."""
        who, at = self.reservation.call.attribution, self.reservation.at
        person = None if self.forgotten else who.person_id
        key = {"all": "", "guild": who.guild_id, "person": person, "purpose": who.purpose}[budget.scope]
        if key is None or budget.key not in (str(key), "*"):
            return None
        return str(key) if budget.period != "total" or at >= (budget.set_at or at) else None

    def amount(self, budget: Budget) -> Decimal:
        if self.state in ("entry", "swept"):
            return self.usd if budget.unit == "usd" else Decimal(self.tokens)
        expected = self.reservation.call.expected
        assert expected is not None
        if budget.action == "refuse":
            return (
                self.reservation.worst_usd if budget.unit == "usd" else Decimal(self.reservation.worst_tokens)
            )
        return (
            priced(expected.input, self.reservation.at) if budget.unit == "usd" else Decimal(expected.input)
        )


@dataclass
class Model:
    """What the ledger should hold."""

    calls: dict[int, Booked] = field(default_factory=dict)
    budgets: dict[int, Budget] = field(default_factory=dict)
    bars: set[tuple[int, str, datetime]] = field(default_factory=set)  # budget, key, start of its window

    def for_people(self) -> list[Budget]:
        return [budget for budget in self.budgets.values() if budget.scope == "person"]

    def used(self, budget: Budget, key: str, now: datetime) -> tuple[Decimal, Decimal, bool]:
        spent = held = Decimal(0)
        for call in self.calls.values():
            if (
                call.state == "gone"
                or call.applies(budget) != key
                or not counts(budget, call.reservation.at, now)
            ):
                continue
            spent, held = (
                (spent, held + call.amount(budget))
                if call.state == "open"
                else (spent + call.amount(budget), held)
            )
        barred = any(
            (number, name) == (budget.id, key) and is_current(budget, start, now)
            for number, name, start in self.bars
        )
        return spent, held, barred

    def refuses(self, calls: list[Booked], now: datetime) -> bool:
        for budget in self.budgets.values():
            if budget.action != "refuse":
                continue
            for key in {key for call in calls if (key := call.applies(budget)) is not None}:
                ours = [call for call in calls if call.applies(budget) == key]
                spent, held, barred = self.used(budget, key, now)
                assert budget.amount is not None
                background = any(c.reservation.call.attribution.purpose == Purpose.CLAIM_CHECK for c in ours)
                limit = budget.amount
                if background and budget.background_amount is not None:
                    limit = budget.background_amount
                if barred or spent + held + sum(call.amount(budget) for call in ours) > limit:
                    return True
        return False


def priced(tokens: int, at: datetime) -> Decimal:
    return tokens * (NEW_PRICE if at.date() >= RISE else LAST_PRICE) / 1_000_000


def counts(budget: Budget, at: datetime, now: datetime) -> bool:
    if budget.period == "hour":
        return at.replace(second=0, microsecond=0) >= (now - timedelta(hours=1)).replace(
            second=0, microsecond=0
        )
    if budget.period == "total":
        return True
    zone = ZoneInfo(budget.zone)
    form = "%Y-%m-%d" if budget.period == "day" else "%Y-%m"
    return at.astimezone(zone).strftime(form) == now.astimezone(zone).strftime(form)


def window(budget: Budget, at: datetime) -> datetime:
    """Return where a window begins that holds a moment; a minute of a rolling hour."""
    if budget.period == "total":
        return datetime.min.replace(tzinfo=UTC)
    if budget.period == "hour":
        return at.replace(second=0, microsecond=0)
    day = at.astimezone(ZoneInfo(budget.zone)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (day if budget.period == "day" else day.replace(day=1)).astimezone(UTC)


def is_current(budget: Budget, start: datetime, now: datetime) -> bool:
    if budget.period == "hour":
        return start >= window(budget, now - timedelta(hours=1))
    return start == window(budget, now)


CALLS = st.builds(
    lambda person, guild, purpose, size: Call(
        "p",
        "m",
        Attribution(purpose, guild_id=guild, person_id=person),
        max_input_tokens=size,
        expected=Usage(size // 4),
    ),
    st.sampled_from([1, 2]),
    st.sampled_from([None, 7]),
    st.sampled_from([Purpose.CHAT, Purpose.CLAIM_CHECK]),
    st.integers(0, 4).map(lambda size: 10_000 * size),
)
UNITS = {"usd": Decimal("0.01"), "tokens": Decimal(10_000)}
BUDGETS = st.builds(
    lambda which, period, zone, unit, action, amount, background: Budget(
        which[0], which[1], period, zone, unit, action,
        amount=amount * UNITS[unit],
        background_amount=amount * UNITS[unit] / 2 if background else None,
    ),
    st.sampled_from([("all", ""), ("guild", "7"), ("person", "1"), ("person", "*"), ("purpose", "chat")]),
    st.sampled_from(["hour", "day", "month", "total"]),
    st.sampled_from(["UTC", "Europe/Berlin"]),
    st.sampled_from(["usd", "tokens"]),
    st.sampled_from(["refuse", "refuse", "warn", "fall_back"]),
    st.integers(0, 12),
    st.booleans(),
)  # fmt: skip


class LedgerMachine(RuleBasedStateMachine):
    """Two processes with one ledger each, in one database."""

    open_calls = Bundle("open_calls")
    closed_calls = Bundle("closed_calls")

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        super().__init__()
        self.run, self.db = runner.run, db
        self.clock = SteppedClock(BEGIN)
        self.costs = CostRepository(db)
        self.budgets = Budgets(BudgetRepository(db), self.clock)
        self.looks = 0
        self.out: set[int | None] = set()  # who opted out
        self.ledgers = [self.restarted(number) for number in (0, 1)]
        self.model = Model()
        self.run(self.sent(db.execute(EMPTY)))

    async def sent(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await work

    def restarted(self, number: int) -> Ledger:
        ids = EntryIds(number)
        ids.next(self.clock.now())
        return Ledger(
            self.costs,
            PriceBook(PRICES, {}),
            EntryIds(number),
            self.clock,
            may_name=lambda person: person not in self.out,
        )

    def opted_out(self, call: Call) -> dict[str, bool]:
        """Return how a row of a call stands now: nobody counts it where no budget is for people."""
        unnamed = call.attribution.person_id in self.out
        return {"unnamed": unnamed, "forgotten": unnamed and not self.model.for_people()}

    @initialize(out=st.sets(st.sampled_from([1, 2])), budget=BUDGETS)
    def begin(self, out: set[int], budget: Budget) -> None:
        self.out |= out
        self.set_budget(budget)

    @rule(person=st.sampled_from([1, 2]))
    def opt_out_or_in(self, person: int) -> None:
        self.out ^= {person}

    @rule(budget=BUDGETS)
    def set_budget(self, budget: Budget) -> None:
        kept, now = self.run(self.budgets.set(budget)), self.clock.now()
        before = self.model.budgets.get(kept.id)
        self.model.budgets[kept.id] = kept
        if before is not None and kept.period in ("day", "month"):  # its zone may be another
            bars = [bar for bar in self.model.bars if bar[0] == kept.id and is_current(before, bar[2], now)]
            self.model.bars |= {(kept.id, key, window(kept, now)) for _, key, _ in bars}

    @rule(data=st.data())
    def remove_budget(self, data: st.DataObject) -> None:
        if self.model.budgets:
            number = data.draw(st.sampled_from(sorted(self.model.budgets)))
            assert self.run(self.budgets.remove(number))
            del self.model.budgets[number]
            self.model.bars = {bar for bar in self.model.bars if bar[0] != number}

    @rule(data=st.data())
    def lift(self, data: st.DataObject) -> None:
        if self.model.bars:
            number = data.draw(st.sampled_from(sorted({bar[0] for bar in self.model.bars})))
            assert self.run(self.budgets.lift(number))
            self.model.bars = {bar for bar in self.model.bars if bar[0] != number}

    @rule(target=open_calls, calls=st.lists(CALLS, min_size=1, max_size=3), process=st.sampled_from([0, 1]))
    def reserve(self, calls: list[Call], process: int) -> Any:
        now = self.clock.now()
        wanted = [
            Booked(
                Reservation(0, call, now, priced(call.max_input_tokens, now), call.max_input_tokens),
                Decimal(0),
                0,
            )
            for call in calls
        ]
        refused = self.model.refuses(wanted, now)
        try:
            reservations = self.run(self.ledgers[process].reserve(calls))
        except BudgetExceeded:
            assert refused
            return multiple()
        assert not refused
        for reservation in reservations:
            stands = self.opted_out(reservation.call)
            self.model.calls[reservation.id] = Booked(reservation, Decimal(0), 0, **stands)
        return multiple(*[reservation.id for reservation in reservations])

    @rule(
        target=closed_calls,
        number=consumes(open_calls),
        part=st.sampled_from([0, 1, 2, 4, 5]),
        process=st.sampled_from([0, 1]),
    )
    def settle(self, number: int, part: int, process: int) -> int:
        """A quarter of what was reserved is the unit; five of them are more than allowed."""
        call = self.model.calls[number]
        tokens = call.reservation.call.max_input_tokens * part // 4
        [cost] = self.run(self.ledgers[process].settle([(call.reservation, Usage(tokens))]))
        assert cost == priced(tokens, call.reservation.at)
        stands = self.opted_out(call.reservation.call)  # as known to who settles it
        stands["forgotten"] |= call.forgotten  # whom nothing names any more nobody names again
        call = replace(call, usd=cost, tokens=tokens, state="entry", **stands)
        self.model.calls[number] = call
        if tokens > call.reservation.worst_tokens:
            at = call.reservation.at
            self.model.bars |= {
                (budget.id, key, window(budget, at))
                for budget in self.model.budgets.values()
                if budget.action == "refuse" and (key := call.applies(budget)) is not None
            }
        return number

    @rule(number=closed_calls, part=st.sampled_from([0, 3]), process=st.sampled_from([0, 1]))
    def settle_again(self, number: int, part: int, process: int) -> None:
        """A call that was settled stays as it is, whoever repeats it."""
        reservation = self.model.calls[number].reservation
        self.run(self.ledgers[process].settle([(reservation, Usage(part))] * 2))
        self.run(self.ledgers[process].release([reservation]))

    @rule(number=consumes(open_calls), process=st.sampled_from([0, 1]))
    def release(self, number: int, process: int) -> None:
        call = self.model.calls[number]
        self.run(self.ledgers[process].release([call.reservation]))
        self.model.calls[number] = replace(call, state="gone")

    @rule(number=consumes(open_calls))
    def crash(self, number: int) -> None:
        """Nobody will ever close it."""

    @rule(person=st.sampled_from([1, 2]))
    def forget_person(self, person: int) -> None:
        self.run(self.costs.forget_person(person))
        for number, call in self.model.calls.items():
            if call.reservation.call.attribution.person_id == person:
                self.model.calls[number] = replace(call, forgotten=True)
        theirs = {number for number, budget in self.model.budgets.items() if budget.scope == "person"}
        self.model.bars = {bar for bar in self.model.bars if bar[0] not in theirs or bar[1] != str(person)}
        for number in theirs:
            if self.model.budgets[number].key == str(person):
                del self.model.budgets[number]

    @rule(process=st.sampled_from([0, 1]))
    def sweep(self, process: int) -> None:
        swept = self.run(self.ledgers[process].sweep())
        now, count = self.clock.now(), 0
        for number, call in self.model.calls.items():
            if call.state == "open" and call.reservation.at + SWEPT_AFTER <= now:
                worst = call.reservation
                lost = call.forgotten or (call.unnamed and not self.model.for_people())
                self.model.calls[number] = replace(
                    call, state="swept", usd=worst.worst_usd, tokens=worst.worst_tokens, forgotten=lost
                )
                count += 1
        assert swept == count

    @rule()
    def forget_windows(self) -> None:
        """A day after a window is over nobody knows whom it counted."""
        self.run(self.budgets.forget())
        late = self.clock.now() - timedelta(days=1)

        def known(budget: Budget, at: datetime) -> bool:
            return at > late or counts(budget, at, late)

        for number, call in self.model.calls.items():
            if call.unnamed and call.state in ("entry", "swept"):
                at, people = call.reservation.at, self.model.for_people()
                kept = any(call.applies(budget) is not None and known(budget, at) for budget in people)
                self.model.calls[number] = replace(call, forgotten=not kept)
        self.model.bars = {
            (number, key, start)
            for number, key, start in self.model.bars
            if ((budget := self.model.budgets[number]).period != "hour" and budget.scope != "person")
            or start >= window(budget, late - timedelta(hours=1) if budget.period == "hour" else late)
        }

    @rule(minutes=st.sampled_from([0.01, 5, 14, 30, 59, 61, 24 * 60, 3 * 24 * 60]))
    def time_passes(self, minutes: float) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(minutes=minutes))

    @rule()
    def sum_anew(self) -> None:
        self.totals_are_sums()
        self.run(self.budgets.rebuild_totals())
        self.run(self.costs.rebuild_totals(self.clock.now()))

    def totals_are_sums(self) -> None:
        now = self.clock.now()
        for month in (10, 11, 12):
            assert self.run(self.costs.check_totals(now.replace(day=1, month=month))) == []
        assert self.run(self.budgets.check_totals()) == []

    def teardown(self) -> None:
        self.totals_are_sums()

    @invariant()
    def everything_agrees(self) -> None:
        async def look() -> tuple[Any, ...]:
            return (
                await self.db.fetch_all("SELECT id, cost_usd FROM cost_entries ORDER BY id"),
                await self.db.fetch_all("SELECT id FROM cost_reservations ORDER BY id"),
                await self.budgets.all(),
            )

        self.looks += 1
        if self.looks % TOTALS_EVERY == 0:
            self.totals_are_sums()
        entries, reservations, budgets = self.run(look())
        calls = self.model.calls.items()
        assert entries == [(n, call.usd) for n, call in sorted(calls) if call.state in ("entry", "swept")]
        assert reservations == [(n,) for n, call in sorted(calls) if call.state == "open"]
        for use in budgets:
            found = {used.key: (used.spent, used.held, used.barred) for used in use.used}
            keys = {call.applies(use.budget) for _, call in calls} - {None}
            for key in keys | found.keys():
                assert key is not None
                right = self.model.used(use.budget, key, self.clock.now())
                assert found.get(key, (0, 0, False)) == right


@pytest.mark.endurance
@pytest.mark.timeout(900)
def test_the_ledger_agrees_with_its_model_whatever_happens(database_settings: DatabaseSettings) -> None:
    with asyncio.Runner() as runner:
        opened = Database.open(database_settings)
        db = runner.run(_enter(opened))
        try:
            run_state_machine_as_test(
                lambda: LedgerMachine(runner, db),
                settings=settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None),
            )
        finally:
            runner.run(_exit(opened))


async def _enter(opened: Any) -> Any:
    return await opened.__aenter__()


async def _exit(opened: Any) -> None:
    await opened.__aexit__(None, None, None)
