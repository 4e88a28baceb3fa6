"""Running totals are the sums of their entries, to the last digit."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wompcore.db import Database
from wompcore.ids import snowflake_at, snowflake_time
from wompcore.repos.costs import CostEntry, CostRepository, CostTotal

NOVEMBER = datetime(2026, 11, 23, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 5, tzinfo=UTC)


def entry(id_: int, cost: str | Decimal, **fields: object) -> CostEntry:
    values: dict[str, object] = {
        "id": id_, "provider": "p", "model": "m", "purpose": "chat", "plugin": None, "guild_id": None,
        "channel_id": None, "person_id": None, "message_id": None, "input_tokens": 10, "output_tokens": 5,
        "cached_tokens": 0, "cost_usd": Decimal(cost), "price_source": "table", "estimated": False,
        "outcome": "ok",
    }  # fmt: skip
    return CostEntry(**{**values, **fields})  # type: ignore[arg-type] # the fields are given by name


ENTRIES = st.lists(
    st.builds(
        entry,
        st.builds(snowflake_at, st.sampled_from([NOVEMBER, DECEMBER]), st.integers(0, 200)),
        st.decimals(0, 1000, places=12),
        model=st.sampled_from(["a", "b"]),
        plugin=st.sampled_from([None, "chat"]),
        guild_id=st.sampled_from([None, 1, 2]),
        person_id=st.sampled_from([None, 3, 4]),
        input_tokens=st.integers(0, 2**31 - 1),
    ),
    max_size=30,
    unique_by=lambda entry: entry.id,
)


@given(ENTRIES, st.integers(1, 7))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_totals_are_the_sum_of_entries_however_they_are_split(
    db: Database, entries: list[CostEntry], size: int
) -> None:
    await db.execute("TRUNCATE cost_entries, cost_totals")
    costs = CostRepository(db)
    for begin in range(0, len(entries), size):
        await costs.record(entries[begin : begin + size])
        await costs.record(entries[begin : begin + size])
    for month in (NOVEMBER, DECEMBER):
        here = [e for e in entries if snowflake_at(month) <= e.id < snowflake_at(month) + 1000]
        assert await costs.month_total(month) == CostTotal("", *counted(here))
        assert await costs.month_total(month, "person", "3", 2) == CostTotal(
            "3", *counted([e for e in here if e.person_id == 3 and e.guild_id == 2])
        )
        assert await costs.check_totals(month) == []
        recorded = await totals(db)
        await costs.rebuild_totals(month)
        assert await totals(db) == recorded


def counted(entries: list[CostEntry]) -> tuple[int, int, int, Decimal]:
    return (
        len(entries),
        sum(entry.input_tokens for entry in entries),
        sum(entry.output_tokens for entry in entries),
        sum((entry.cost_usd for entry in entries), Decimal(0)),
    )


async def totals(db: Database) -> list[tuple[object, ...]]:
    return await db.fetch_all("SELECT * FROM cost_totals ORDER BY month, scope, guild_id, key")


async def test_a_guild_is_shown_its_own_part_only(db: Database) -> None:
    costs = CostRepository(db)
    await costs.record([
        entry(snowflake_at(NOVEMBER, 1), "1", guild_id=1, person_id=3),
        entry(snowflake_at(NOVEMBER, 2), "2", guild_id=2, person_id=3),
        entry(snowflake_at(NOVEMBER, 3), "4", guild_id=1, person_id=4, model="n"),
        entry(snowflake_at(NOVEMBER, 4), "8", person_id=4, plugin="chat"),
    ])  # fmt: skip
    assert shown(await costs.by_person(0, NOVEMBER)) == [("4", 12), ("3", 3)]
    assert shown(await costs.by_person(1, NOVEMBER)) == [("4", 4), ("3", 1)]
    assert shown(await costs.by_person(1, NOVEMBER, limit=1)) == [("4", 4)]
    assert shown(await costs.by_person(1, DECEMBER)) == []
    assert shown(await costs.by_guild(NOVEMBER)) == [("1", 5), ("2", 2)]
    assert shown(await costs.by_model(1, NOVEMBER)) == [("n", 4), ("m", 1)]
    assert shown(await costs.by_purpose(2, NOVEMBER)) == [("chat", 2)]
    assert shown(await costs.by_plugin(0, NOVEMBER)) == [("chat", 8)]


async def test_channels_and_days_are_counted_and_a_private_channel_is_nobody_elses(db: Database) -> None:
    costs = CostRepository(db)
    await costs.record([
        entry(snowflake_at(NOVEMBER, 1), "1", guild_id=1, channel_id=5),
        entry(snowflake_at(NOVEMBER - timedelta(milliseconds=1), 1), "2", guild_id=1, channel_id=6),
        entry(snowflake_at(NOVEMBER, 2), "4", channel_id=7, person_id=3),
        entry(snowflake_at(NOVEMBER, 3), "8", guild_id=2, channel_id=8),
    ])  # fmt: skip
    assert shown(await costs.by_channel(0, NOVEMBER)) == [("8", 8), ("6", 2), ("5", 1)]
    assert shown(await costs.by_channel(1, NOVEMBER)) == [("6", 2), ("5", 1)]
    days = {day: total.cost_usd for day, total in (await costs.by_day(1, NOVEMBER)).items()}
    assert days == {date(2026, 11, 23): 1, date(2026, 11, 22): 2}
    assert (await costs.by_day(0, NOVEMBER))[date(2026, 11, 23)].cost_usd == 13
    assert await costs.check_totals(NOVEMBER) == []


def shown(rows: list[CostTotal]) -> list[tuple[str, object]]:
    return [(row.key, row.cost_usd) for row in rows]


async def test_a_total_that_is_wrong_is_found_and_repaired(db: Database) -> None:
    costs = CostRepository(db)
    await costs.record([entry(snowflake_at(NOVEMBER), "1.10", guild_id=1)])
    await db.execute("UPDATE cost_totals SET cost_usd = 1.11 WHERE scope = 'guild'")
    await db.execute("DELETE FROM cost_totals WHERE scope = 'model' AND guild_id = 1")
    assert await costs.check_totals(NOVEMBER) == [("guild", "1", 0), ("model", "m", 1)]
    await costs.rebuild_totals(NOVEMBER)
    assert await costs.check_totals(NOVEMBER) == []


async def test_totals_are_rebuilt_exactly_while_others_settle(db: Database) -> None:
    costs = CostRepository(db)
    settling = [costs.record([entry(snowflake_at(NOVEMBER, n), "0.01", guild_id=n % 3)]) for n in range(100)]
    rebuilding = [costs.rebuild_totals(NOVEMBER) for _ in range(5)]
    await asyncio.gather(*settling[:50], *rebuilding, *settling[50:])
    assert await costs.check_totals(NOVEMBER) == []
    assert (await costs.month_total(NOVEMBER)).cost_usd == Decimal("1.00")


async def test_the_database_reads_the_time_of_an_id_as_we_do(db: Database) -> None:
    numbers = [*range(0, 1 << 63, (1 << 63) // 997), 0, 4194303, 4194304, (1 << 63) - 1]
    read = await db.fetch_all("SELECT id, entry_time(id) FROM unnest(%s::bigint[]) AS id", (numbers,))
    assert read == [(number, snowflake_time(number)) for number in numbers]


async def test_the_time_of_an_id_costs_no_function_call(db: Database) -> None:
    plan = await db.fetch_all("EXPLAIN VERBOSE SELECT entry_time(id) FROM cost_reservations")
    assert "to_timestamp" in str(plan)
