"""Partitions are made ahead, and no row is lost on the way into one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wompcore.db import Database
from wompcore.ids import snowflake_at
from wompcore.repos.partitions import PartitionRepository, partition_name

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)

INSERT = (
    "INSERT INTO messages (id, channel_id, author_id, author_name, text) SELECT id, 1, 2, 'a', id::text FROM"
)
WHERE = "SELECT id, tableoid::regclass::text FROM messages ORDER BY id"


async def insert(db: Database, ids: list[int]) -> None:
    await db.execute(f"{INSERT} unnest(%s::bigint[]) AS r (id)", (ids,))


async def test_this_month_and_three_more_are_made(db: Database) -> None:
    made = await PartitionRepository(db).ensure(NOW)
    months = ["y2026m11", "y2026m12", "y2027m01", "y2027m02"]
    assert made == [f"{table}_{month}" for table in ("messages", "cost_entries") for month in months]


async def test_nothing_to_make_costs_one_statement(db: Database) -> None:
    partitions = PartitionRepository(db)
    await partitions.ensure(NOW)
    before = db.statements
    assert await partitions.ensure(NOW) == []
    assert db.statements == before + 1


async def test_the_next_month_adds_one_partition_per_table(db: Database) -> None:
    partitions = PartitionRepository(db)
    await partitions.ensure(NOW)
    assert await partitions.ensure(DECEMBER) == ["messages_y2027m03", "cost_entries_y2027m03"]


@given(
    st.sets(
        st.builds(
            snowflake_at,
            st.datetimes(datetime(2026, 9, 1), datetime(2027, 4, 1), timezones=st.just(UTC))
            | st.sampled_from([DECEMBER, DECEMBER - timedelta(milliseconds=1)]),
            st.sampled_from([0, 2**22 - 1]),
        ),
        max_size=30,
    ),
    st.integers(0, 30),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_rows_from_before_and_after_land_in_their_month(
    db: Database, ids: set[int], early: int
) -> None:
    for (name,) in await db.fetch_all("SELECT relname FROM pg_class WHERE relname ~ '_y[0-9]{4}m[0-9]{2}$'"):
        await db.execute(f"DROP TABLE {name}")
    await db.execute("TRUNCATE messages")
    given_ids = list(ids)
    await insert(db, given_ids[:early])
    await PartitionRepository(db).ensure(NOW)
    await insert(db, given_ids[early:])
    assert await db.fetch_all(WHERE) == [(id_, home(id_)) for id_ in sorted(ids)]


def home(id_: int) -> str:
    for month in (NOW, DECEMBER, datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)):
        first = snowflake_at(month.replace(day=1))
        end = snowflake_at((month.replace(day=1) + timedelta(days=32)).replace(day=1))
        if first <= id_ < end:
            return partition_name("messages", month)
    return "messages_default"


async def test_a_month_can_be_given_its_partition_while_people_write(db: Database) -> None:
    first = snowflake_at(NOW)
    await insert(db, list(range(first, first + 1000)))

    async def write() -> None:
        for batch in range(40):
            begin = first + 10_000 + 10 * batch
            await insert(db, list(range(begin, begin + 10)))
            await db.fetch_value("SELECT count(*) FROM messages")

    async with asyncio.TaskGroup() as group:
        makers = [group.create_task(PartitionRepository(db).ensure(NOW)) for _ in range(3)]
        group.create_task(write())
        group.create_task(write_one_by_one(db, first + 20_000))
    made = [name for maker in makers for name in maker.result()]
    assert {*made, "messages_default", "cost_entries_default"} == await names_of_partitions(db)
    assert len(made) == 8
    assert await db.fetch_value("SELECT count(*) FROM messages_y2026m11") == 1000 + 400 + 400
    assert await db.fetch_value("SELECT count(*) FROM messages_default") == 0


async def write_one_by_one(db: Database, begin: int) -> None:
    for id_ in range(begin, begin + 400):
        await insert(db, [id_])


async def names_of_partitions(db: Database) -> set[str]:
    rows = await db.fetch_all("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    return {name for (name,) in rows}


async def test_a_table_in_use_is_left_to_the_next_time(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    partitions = PartitionRepository(db)
    async with db.transaction() as reader:
        await reader.execute("SELECT count(*) FROM messages")
        made = await partitions.ensure(NOW, ahead=0)
    assert made == ["cost_entries_y2026m11"]
    assert "messages is in use" in caplog.text
    assert await partitions.ensure(NOW, ahead=0) == ["messages_y2026m11"]


async def test_a_partition_has_the_tables_keys_and_indexes(db: Database) -> None:
    await PartitionRepository(db).ensure(NOW, ahead=0)
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = %s"
    made, rest = [
        await db.fetch_value(indexes, (name,)) for name in ("messages_y2026m11", "messages_default")
    ]
    assert made == rest
    await insert(db, [snowflake_at(NOW)])
    again = f"{INSERT} unnest(%s::bigint[]) AS r (id) ON CONFLICT (id) DO NOTHING"
    assert await db.execute(again, ([snowflake_at(NOW)],)) == 0
