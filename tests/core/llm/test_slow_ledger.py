"""A call ends at its deadline, whatever the database does; what it cost is recorded all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest

from llm_client import Client, OpenClient, asking
from wompcore.costs import Ledger
from wompcore.db import Database
from wompcore.errors import DatabaseUnavailable
from wompcore.llm import ModelRequestRefused, ModelUnavailable, Reply
from wompcore.llm.offline import Fault, offline_server

DEADLINE_S = 0.6
ANSWERS_AFTER_S = 0.3

Ask: TypeAlias = Callable[[Client], Awaitable[Reply]]


@asynccontextmanager
async def stalled(db: Database) -> AsyncIterator[None]:
    """Let no statement on the ledger's tables come to an end."""
    async with db.transaction() as connection:
        await connection.execute("LOCK TABLE cost_entries, cost_reservations IN ACCESS EXCLUSIVE MODE")
        yield


async def complete(client: Client) -> Reply:
    return await client.chat.complete(asking(deadline_s=DEADLINE_S))


async def stream(client: Client) -> Reply:
    async with client.chat.stream(asking(deadline_s=DEADLINE_S)) as stream:
        async for _ in stream:
            pass
    return stream.reply


async def ask_while_stalled(client: Client, db: Database, ask: Ask) -> Reply:
    """Stall the database once the call is on its way to the model, and until it has ended."""
    began = time.monotonic()
    call = asyncio.ensure_future(ask(client))
    while not client.traffic.requests:  # noqa: ASYNC110 # a count that nobody announces
        await asyncio.sleep(0.005)
    async with stalled(db):
        try:
            return await call
        finally:
            assert time.monotonic() - began < DEADLINE_S + 0.1


async def booked(ledger: Ledger, db: Database) -> list[tuple[object, ...]]:
    await ledger.close()
    assert await db.fetch_value("SELECT count(*) FROM cost_reservations") == 0
    return await db.fetch_all("SELECT outcome, cost_usd FROM cost_entries")


@pytest.mark.parametrize("ask", [complete, stream])
async def test_an_answer_is_handed_over_with_its_cost_and_recorded_when_the_database_goes_on(
    open_client: OpenClient, ledger: Ledger, db: Database, ask: Ask
) -> None:
    faults = [Fault(delay_s=ANSWERS_AFTER_S)]
    async with offline_server(faults=faults) as server, open_client(server.base_url) as client:
        reply = await ask_while_stalled(client, db, ask)
    assert reply.text
    assert await booked(ledger, db) == [("ok", reply.cost)]


async def test_a_call_that_is_too_late_waits_for_no_database(
    open_client: OpenClient, ledger: Ledger, db: Database
) -> None:
    async with offline_server(faults=[Fault(delay_s=60)]) as server, open_client(server.base_url) as client:
        with pytest.raises(ModelUnavailable):
            await ask_while_stalled(client, db, complete)
    [(outcome, _)] = await booked(ledger, db)
    assert outcome == "failed"


async def test_a_reservation_is_given_back_when_the_database_goes_on(
    open_client: OpenClient, ledger: Ledger, db: Database
) -> None:
    faults = [Fault(status=400, delay_s=ANSWERS_AFTER_S)]
    async with offline_server(faults=faults) as server, open_client(server.base_url) as client:
        with pytest.raises(ModelRequestRefused):
            await ask_while_stalled(client, db, complete)
    assert await booked(ledger, db) == []


async def test_a_call_that_the_ledger_cannot_admit_in_time_is_not_sent(
    open_client: OpenClient, ledger: Ledger, db: Database
) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        async with stalled(db):
            began = time.monotonic()
            with pytest.raises(DatabaseUnavailable, match="deadline"):
                await complete(client)
            assert time.monotonic() - began < DEADLINE_S + 0.1
        assert client.traffic.requests == 0
        assert await booked(ledger, db) == []
