"""What a month will probably come to. Pure: figures in, figures out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from wompcore.money import ZERO, Usd

ENOUGH_DAYS = 7
"""Whole days that must have passed since the month's first call: a week holds one of each weekday."""

# Student's t for 6 to 30 degrees of freedom, 0.9 quantile: 8 of 10 outcomes lie within plus or minus it.
# fmt: off
_T90 = tuple(Decimal(thousandths) / 1000 for thousandths in (
    1440, 1415, 1397, 1383, 1372, 1363, 1356, 1350, 1345, 1341, 1337, 1333, 1330,
    1328, 1325, 1323, 1321, 1319, 1318, 1316, 1315, 1314, 1313, 1311, 1310,
))
# fmt: on
_DAY_S = Decimal(86400)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a month will probably have cost at its end.

    Args:
        expected: What was spent so far, and a mean day's spending for each day that is left.
        low: In eight of ten months it is at least this, if days go on as they did; never below what is spent.
        high: In eight of ten months it is at most this.
        a_day: What a whole day cost on average.
        days: How many whole days it rests on.
    """

    expected: Usd
    low: Usd
    high: Usd
    a_day: Usd
    days: int


def forecast(spent_by_day: Mapping[date, Usd], now: datetime, zone: tzinfo = UTC) -> Forecast | None:
    """Return what the current month will probably come to, or nothing while too few days have passed.

    The mean and the spread are those of the month's whole days since its first call, days without a call
    included; today counts as spent, and its rest as a part of a day. The interval is the prediction
    interval of a sum of ``r`` further independent days after ``n``: mean x r, give or take
    t x s x sqrt(r + r^2 / n) (for one day: Hahn and Meeker, Statistical Intervals, section 4.8.1).

    Args:
        spent_by_day: What each day of the current month cost; a day that is missing cost nothing.
        now: An aware time.
        zone: Where days and the month begin and end; a day there may have 23 or 25 hours.
    """
    today = now.astimezone(zone).date()
    begin, end = today.replace(day=1), (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    month = {day: cost for day, cost in spent_by_day.items() if begin <= day <= today}
    first = min((day for day, cost in month.items() if cost > 0), default=today)
    whole = [month.get(first + timedelta(days=number), ZERO) for number in range((today - first).days)]
    if len(whole) < ENOUGH_DAYS:
        return None
    spent = sum(month.values(), ZERO)
    left = _days_between(now, datetime.combine(end, time(), zone))
    mean = sum(whole, ZERO) / len(whole)
    variance = sum(((cost - mean) ** 2 for cost in whole), ZERO) / (len(whole) - 1)
    spread = _T90[len(whole) - ENOUGH_DAYS] * (variance * (left + left**2 / len(whole))).sqrt()
    expected = spent + mean * left
    return Forecast(expected, max(spent, expected - spread), expected + spread, mean, len(whole))


def _days_between(now: datetime, end: datetime) -> Decimal:
    """Return the time that really passes, in days of 24 hours."""
    return Decimal((end.astimezone(UTC) - now.astimezone(UTC)) // timedelta(seconds=1)) / _DAY_S
