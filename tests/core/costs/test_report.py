"""A report holds what its guild spent, and no other figure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from wompcore.clock import SteppedClock
from wompcore.costs import CostReport
from wompcore.db import Database
from wompcore.ids import snowflake_at
from wompcore.repos.costs import CostEntry, CostRepository

NOW = datetime(2026, 11, 11, tzinfo=UTC)


def entry(number: int, days_ago: int, cost: str, guild_id: int | None) -> CostEntry:
    at = snowflake_at(NOW - timedelta(days=days_ago), number)
    return CostEntry(
        at, "p", f"model {guild_id}", "chat", f"plugin {guild_id}", guild_id, guild_id, 3, None, 1, 1, 0,
        Decimal(cost), "table", False, "ok",
    )  # fmt: skip


@pytest.fixture
async def report(db: Database) -> CostReport:
    costs = CostRepository(db)
    await costs.record([entry(1, day, "1", 1) for day in range(1, 11)])
    await costs.record([entry(2, day, "100", 2) for day in range(1, 4)])
    await costs.record([entry(3, 1, "1000", None), entry(4, 12, "5", 1)])
    return CostReport(costs, SteppedClock(NOW))


async def test_a_guilds_report_holds_no_figure_of_another(report: CostReport) -> None:
    seen = await report.of_guild(1)
    assert (seen.total.cost_usd, len(seen.days), set(seen.days.values())) == (10, 10, {Decimal(1)})
    assert seen.forecast is not None
    assert (seen.forecast.expected, seen.forecast.low, seen.forecast.high) == (30, 30, 30)
    lists = (seen.people, seen.purposes, seen.models, seen.plugins, seen.channels)
    assert [[(one.key, one.cost_usd) for one in totals] for totals in lists] == [
        [("3", 10)], [("chat", 10)], [("model 1", 10)], [("plugin 1", 10)], [("1", 10)],
    ]  # fmt: skip
    assert seen.guilds == ()


async def test_the_whole_is_all_guilds_and_private_talk(report: CostReport) -> None:
    seen = await report.of_guild()
    assert seen.total.cost_usd == 1310
    assert seen.days[date(2026, 11, 10)] == 1101
    assert [one.key for one in seen.guilds] == ["2", "1"]
    assert [one.key for one in seen.channels] == ["2", "1"]


async def test_a_person_sees_their_part_here_and_everywhere(report: CostReport) -> None:
    assert (await report.of_person(3, 1)).total.cost_usd == 10
    assert (await report.of_person(3)).total.cost_usd == 1310
    assert (await report.of_person(3)).people == ()


async def test_a_list_is_as_long_as_asked(report: CostReport) -> None:
    assert [one.key for one in (await report.of_guild(limit=1)).models] == ["model None"]
