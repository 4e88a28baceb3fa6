"""What the bot's health page makes of a database that goes away."""

from __future__ import annotations

import asyncio

import pytest

from wompbot_cogs.health import look_at_database, look_at_link
from wompcore.db import Database, Listener
from wompcore.errors import DatabaseError
from wompcore.testing.database import ThrowawayServer


async def test_a_lost_database_and_a_lost_link_are_told_until_they_are_back(
    own_postgres: ThrowawayServer,
) -> None:
    with own_postgres.database() as settings:
        async with Database.open(settings) as db, Listener.open(db) as listener:
            assert (await look_at_database(db), await look_at_link(listener)) == ("", "")
            with own_postgres.stopped():
                with pytest.raises(DatabaseError):
                    await look_at_database(db)
                async with asyncio.timeout(10):
                    while not await look_at_link(listener):  # noqa: ASYNC110 (nothing tells)
                        await asyncio.sleep(0.02)
                assert (await look_at_link(listener)).startswith("down for ")
            async with asyncio.timeout(60):
                while await look_at_link(listener):  # noqa: ASYNC110 (nothing tells)
                    await asyncio.sleep(0.02)
            assert await look_at_database(db) == ""
