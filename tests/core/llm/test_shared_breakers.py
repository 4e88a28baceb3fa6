"""Processes tell each other of endpoints that are down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from wompcore.db import Database, Listener
from wompcore.errors import BreakerOpen, ModelUnavailable
from wompcore.llm import Breakers
from wompcore.repos.breakers import CHANNEL, BreakerRepository

ENDPOINT = ("api.example", "m-1")


@asynccontextmanager
async def process(db: Database) -> AsyncIterator[Breakers]:
    """A process's own breakers, over a link of its own."""
    async with (
        Listener.open(db) as listener,
        Breakers.shared(BreakerRepository(db), listener, CHANNEL) as own,
    ):
        yield own


async def fail(breakers: Breakers, times: int = 5) -> None:
    for _ in range(times):
        breakers.report(ENDPOINT, await breakers.admit(ENDPOINT), ModelUnavailable(), 0.1)


async def until(breakers: Breakers, state: str) -> None:
    async with asyncio.timeout(5):
        while breakers.states().get(ENDPOINT, "closed") != state:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.01)


async def test_one_process_opens_it_for_all_and_one_closes_it(db: Database) -> None:
    store = BreakerRepository(db)
    async with process(db) as one, process(db) as two:
        await fail(one)
        await until(two, "open")
        async with process(db) as late:
            assert late.states() == {ENDPOINT: "open"}
        with pytest.raises(BreakerOpen):
            two.refuse_while_open(ENDPOINT)
        [(*_, left_s)] = await store.not_closed()
        assert 25 < left_s <= 30


async def waiting_for_a_probe(db: Database) -> None:
    await BreakerRepository(db).open(*ENDPOINT, 0)


async def test_one_process_probes_and_its_success_closes_it_everywhere(db: Database) -> None:
    await waiting_for_a_probe(db)
    async with process(db) as one, process(db) as two:
        outcomes = await asyncio.gather(one.admit(ENDPOINT), two.admit(ENDPOINT), return_exceptions=True)
        refused = [isinstance(outcome, BreakerOpen) for outcome in outcomes]
        assert sorted(refused) == [False, True]
        prober, other = (two, one) if refused[0] else (one, two)
        [permit] = [outcome for outcome in outcomes if isinstance(outcome, int)]
        prober.report(ENDPOINT, permit, None, 0.1)
        await until(other, "closed")
        assert await BreakerRepository(db).not_closed() == []
        await other.admit(ENDPOINT)


async def test_a_probe_that_was_given_up_leaves_it_to_another_process(db: Database) -> None:
    await waiting_for_a_probe(db)
    async with process(db) as one:
        one.report(ENDPOINT, await one.admit(ENDPOINT), asyncio.CancelledError(), 0.1)
    async with process(db) as two:
        await two.admit(ENDPOINT)


async def test_a_failed_probe_opens_it_everywhere_again(db: Database) -> None:
    await waiting_for_a_probe(db)
    async with process(db) as one, process(db) as two:
        await fail(one, times=1)
        await until(two, "open")
