"""A forecast says what the month comes to if days go on as they did, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.costs.forecast import _T90, ENOUGH_DAYS, Forecast, forecast

BERLIN = ZoneInfo("Europe/Berlin")
COST = st.decimals(0, 1000, places=6)


def days(first: date, *costs: str | int) -> dict[date, Decimal]:
    return {first + timedelta(days=number): Decimal(cost) for number, cost in enumerate(costs)}


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc] # year to hour


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(2026, 11, 11), 30),
        (at(2026, 12, 11), 31),
        (at(2026, 2, 11), 28),
        (at(2028, 2, 11), 29),
    ],
)
def test_a_dollar_a_day_comes_to_the_days_of_the_month(now: datetime, expected: int) -> None:
    spent = days(now.date().replace(day=1), *[1] * 10)
    assert forecast(spent, now) == Forecast(*[Decimal(expected)] * 3, Decimal(1), 10)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (datetime(2026, 3, 20, tzinfo=BERLIN), "11.95833"),  # 29 March has 23 hours there
        (datetime(2026, 10, 20, tzinfo=BERLIN), "12.04166"),  # 25 October has 25
        (datetime(2026, 3, 30, tzinfo=BERLIN), "2.00000"),
    ],
)
def test_days_that_are_left_are_as_long_as_they_are_there(now: datetime, left: str) -> None:
    spent = days(now.date().replace(day=1), *[1] * (now.day - 1))
    seen = forecast(spent, now, BERLIN)
    assert seen is not None
    assert abs(seen.expected - (now.day - 1) - Decimal(left)) < Decimal("0.0001")


def test_the_zone_decides_which_day_it_is() -> None:
    spent = days(date(2026, 11, 1), *[1] * 7)
    late = at(2026, 11, 7, 23, 30)
    assert forecast(spent, late) is None
    assert forecast(spent, late, BERLIN) is not None


def test_a_week_must_have_passed_since_the_first_call() -> None:
    spent = days(date(2026, 11, 10), 3)
    assert forecast(spent, at(2026, 11, 16, 23)) is None
    seen = forecast(spent, at(2026, 11, 17))
    assert seen is not None
    assert (seen.days, seen.expected) == (ENOUGH_DAYS, 3 + Decimal(3) / 7 * 14)
    assert forecast({}, at(2026, 11, 29)) is None


def test_today_counts_as_spent_and_its_rest_as_part_of_a_day() -> None:
    spent = days(date(2026, 11, 1), *[1] * 10, 7)
    seen = forecast(spent, at(2026, 11, 11, 12))
    assert seen is not None
    assert seen.expected == 17 + Decimal("19.5")


def test_other_months_and_days_to_come_are_left_out() -> None:
    spent = days(date(2026, 10, 1), *[100] * 31, *[1] * 10, 0, *[100] * 30)
    seen = forecast(spent, at(2026, 11, 11))
    assert seen is not None
    assert seen.expected == 30


@given(st.dictionaries(st.dates(date(2026, 11, 1), date(2026, 11, 30)), COST), st.integers(0, 30 * 24 - 1))
def test_it_is_never_below_what_is_spent(spent: Mapping[date, Decimal], hour: int) -> None:
    now = at(2026, 11, 1) + timedelta(hours=hour)
    seen = forecast(spent, now)
    if seen is not None:
        so_far = sum((cost for day, cost in spent.items() if day <= now.date()), Decimal(0))
        assert so_far <= seen.low <= seen.expected <= seen.high
        assert ENOUGH_DAYS <= seen.days < now.day


@pytest.mark.parametrize("number", range(len(_T90)))
def test_quantiles_are_those_of_students_t(number: int) -> None:
    freedom = ENOUGH_DAYS - 1 + number
    scale = math.gamma((freedom + 1) / 2) / (math.sqrt(freedom * math.pi) * math.gamma(freedom / 2))
    steps, bound = 2000, float(_T90[number])
    middles = ((step + 0.5) * bound / steps for step in range(steps))
    below = 0.5 + sum(scale * (1 + x * x / freedom) ** (-(freedom + 1) / 2) for x in middles) * bound / steps
    assert below == pytest.approx(0.9, abs=2e-4)


def test_eight_in_ten_random_months_end_within_it() -> None:
    dice, inside = Random(1), 0
    for _ in range(400):
        drawn = [Decimal(max(0, round(dice.gauss(1000, 200)))) for _ in range(30)]
        seen = forecast(days(date(2026, 11, 1), *map(str, drawn[:10])), at(2026, 11, 11))
        assert seen is not None
        inside += seen.low <= sum(drawn) <= seen.high
    assert 0.75 < inside / 400 < 0.85
