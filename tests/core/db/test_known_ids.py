"""Ids that every process knows: a set in 8 bytes each, kept true by NOTIFY."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from hypothesis import given
from hypothesis import strategies as st

from wompcore.config import DatabaseSettings
from wompcore.db import Database, KnownIds, Listener
from wompcore.ids import MAX_ID, SnowflakeSet

ids = st.integers(0, MAX_ID)


@given(st.lists(st.tuples(st.booleans(), ids | st.integers(0, 20))))
def test_it_holds_what_a_set_holds(steps: list[tuple[bool, int]]) -> None:
    ours, theirs = SnowflakeSet(1000), set[int]()
    for add, id_ in steps:
        (ours.add if add else ours.discard)(id_)
        (theirs.add if add else theirs.discard)(id_)
        assert (id_ in ours) == (id_ in theirs)
    assert len(ours) == len(theirs)
    assert all(id_ in ours for id_ in theirs)


@given(st.lists(ids, unique=True), st.integers(1, 20))
def test_beyond_its_limit_it_forgets_the_oldest(found: list[int], limit: int) -> None:
    assert [id_ for id_ in sorted(found) if id_ in SnowflakeSet(limit, found)] == sorted(found)[-limit:]


@given(st.lists(ids, unique=True))
def test_it_is_made_of_packed_ids(found: list[int]) -> None:
    packed = b"".join(id_.to_bytes(8, "big") for id_ in sorted(found))
    made = SnowflakeSet.unpack(packed, 1000)
    assert len(made) == len(found)
    assert all(id_ in made for id_ in found)


def test_an_id_takes_sixteen_bytes_at_most() -> None:
    one_by_one = SnowflakeSet(100_000, range(100_000))
    assert one_by_one.nbytes <= 16 * 100_000


async def test_an_id_is_known_in_every_process_and_none_is_lost_while_they_are_read(
    database_settings: DatabaseSettings,
) -> None:
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(database_settings))
        listener = await stack.enter_async_context(Listener.open(db))

        async def load(limit: int) -> bytes:
            await db.notify("news", "7")  # somebody adds one after the statement looked
            while 7 not in known_elsewhere:  # noqa: ASYNC110 # nothing tells
                await asyncio.sleep(0.01)
            return b"".join(id_.to_bytes(8, "big") for id_ in (3, 5))

        async def empty(limit: int) -> bytes:
            return b""

        known_elsewhere = await KnownIds.follow(listener, "news", empty)
        known = await KnownIds.follow(listener, "news", load)
        assert [id_ for id_ in range(10) if id_ in known] == [3, 5, 7]
