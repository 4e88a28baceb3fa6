"""An export holds every call exactly, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.costs.export import COLUMNS, CostExport, _cell
from wompcore.db import Database
from wompcore.ids import month_of, next_month, snowflake_at
from wompcore.repos.costs import CostEntry, CostRepository
from wompcore.repos.partitions import PartitionRepository

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def entry(id_: int, cost: str = "0.01", **fields: object) -> CostEntry:
    values: dict[str, object] = {
        "id": id_, "provider": "p", "model": "m", "purpose": "chat", "plugin": None, "guild_id": None,
        "channel_id": None, "person_id": None, "message_id": None, "input_tokens": 10, "output_tokens": 5,
        "cached_tokens": 0, "cost_usd": Decimal(cost), "price_source": "table", "estimated": False,
        "outcome": "ok",
    }  # fmt: skip
    return CostEntry(**{**values, **fields})  # type: ignore[arg-type] # the fields are given by name


async def exported(
    db: Database, guild_id: int = 0, hides: Callable[[int], bool] = lambda _: False
) -> list[dict[str, str]]:
    export = CostExport(CostRepository(db))
    text = "".join([chunk async for chunk in export.csv(NOW, guild_id=guild_id, hides=hides)])
    return list(csv.DictReader(text.splitlines()))


async def test_amounts_are_exact_and_times_are_utc(db: Database) -> None:
    await CostRepository(db).record([entry(snowflake_at(NOW), "0.000000123456789", person_id=7)])
    [line] = await exported(db)
    assert tuple(line) == COLUMNS
    assert line["at"] == "2026-11-23T12:30:00.000+00:00"
    assert line["cost_usd"] == "0.000000123456789"
    assert (line["person_id"], line["plugin"], line["estimated"]) == ("7", "", "no")


async def test_a_month_is_whole_and_alone(db: Database) -> None:
    first, end = month_of(NOW), next_month(month_of(NOW))
    await PartitionRepository(db).ensure(NOW)
    ids = [snowflake_at(first) - 1, snowflake_at(first), snowflake_at(end) - 1, snowflake_at(end)]
    await CostRepository(db).record([entry(id_) for id_ in ids])
    assert [int(line["id"]) for line in await exported(db)] == ids[1:3]


async def test_a_guilds_export_holds_its_own_calls_only(db: Database) -> None:
    start = snowflake_at(NOW)
    costs = CostRepository(db)
    await costs.record([entry(start, guild_id=1), entry(start + 1, guild_id=2), entry(start + 2)])
    assert [line["guild_id"] for line in await exported(db, 1)] == ["1"]
    assert len(await exported(db)) == 3


async def test_people_who_are_hidden_leave_no_id(db: Database) -> None:
    start = snowflake_at(NOW)
    costs = CostRepository(db)
    await costs.record([entry(start, person_id=1, message_id=8), entry(start + 1, person_id=2, message_id=9)])
    lines = await exported(db, hides=lambda person: person == 1)
    assert [(line["person_id"], line["message_id"]) for line in lines] == [("", ""), ("2", "9")]


async def test_pages_follow_one_another_without_a_gap(db: Database) -> None:
    start = snowflake_at(NOW - timedelta(days=1))
    await CostRepository(db).record([entry(start + number) for number in range(600)])
    chunks = [chunk async for chunk in CostExport(CostRepository(db)).csv(NOW)]
    assert [chunk.count("\r\n") for chunk in chunks] == [1, 250, 250, 100]
    assert len({line["id"] for line in await exported(db)}) == 600


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
async def test_no_cell_is_a_formula(db: Database, text: str) -> None:
    await CostRepository(db).record([entry(snowflake_at(NOW), model=text)])
    chunks = [chunk async for chunk in CostExport(CostRepository(db)).csv(NOW)]
    [_, row] = csv.reader("".join(chunks).splitlines(keepends=True))
    assert row[COLUMNS.index("model")] == f"'{text}".replace("\r", " ").replace("\n", " ")


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_keeps_what_it_says(text: str) -> None:
    line = text.replace("\r", " ").replace("\n", " ")
    assert _cell(text).removeprefix("'") == line.removeprefix("'")
    assert _cell(text)[:1] not in tuple("=+-@\t")
