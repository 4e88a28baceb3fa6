"""Each threshold is told of once, whoever crosses it and however many hand it out."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from wompcore.clock import SystemClock
from wompcore.config import CostSettings
from wompcore.costs import Budget, Budgets, Call, Crossing, Ledger, PriceBook
from wompcore.db import Database, Listener
from wompcore.ids import EntryIds
from wompcore.jobs import Jobs, Outbox
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.repos.deliveries import DeliveryRepository
from wompcore.usage import Attribution, Purpose, Usage

TASKS = 8
PEOPLE = 334  # with three thresholds each: 1,002 crossings
OF_ONE_TASK = Decimal("0.125")
EACH = Budget("person", "*", amount=Decimal(1))
DELIVERED = 1002 if os.environ.get("WOMPBOT_ENDURANCE") else 60


async def cross_all(db: Database) -> None:
    """Spend everybody's budget, an eighth of it from each of eight tasks in two processes' ledgers."""
    ledgers = [
        Ledger(CostRepository(db), PriceBook(CostSettings(), {}), EntryIds(n), SystemClock()) for n in (0, 1)
    ]

    async def spend(task: int) -> None:
        ledger = ledgers[task % 2]
        calls = [
            Call("p", "m", Attribution(Purpose.CHAT, person_id=person), fixed_cost=OF_ONE_TASK)
            for person in range(1, PEOPLE + 1)
        ]
        for start in range(0, PEOPLE, 20):
            reserved = await ledger.reserve(calls[start : start + 20])
            await ledger.settle([(reservation, Usage()) for reservation in reserved])

    await asyncio.gather(*map(spend, range(TASKS)))
    for ledger in ledgers:
        await ledger.close()


class Inbox:
    """Counts what arrives."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()

    async def direct_channel(self, person_id: int) -> int:
        return person_id

    async def send(self, channel_id: int, text: str, nonce: str) -> int:
        self.got[text] += 1
        return sum(self.got.values())

    async def find(self, channel_id: int, nonce: str) -> int | None:
        return None


@pytest.mark.endurance
async def test_a_thousand_crossings_from_eight_tasks_deliver_each_threshold_once(db: Database) -> None:
    budgets = Budgets(BudgetRepository(db), SystemClock())
    await budgets.set(EACH)
    await cross_all(db)
    async with Listener.open(db) as listener, Jobs.open(db, listener) as jobs:
        inbox, outbox = Inbox(), Outbox(jobs, DeliveryRepository(db))

        async def deliver(crossing: Crossing) -> None:
            text = f"{crossing.key}: {crossing.percent}"
            if int(crossing.key) <= DELIVERED // 3:
                await outbox.post(f"crossing:{crossing.id}", None, text, 9)
            else:
                inbox.got[text] += 1

        handed_out = await asyncio.gather(*(budgets.hand_out(deliver) for _ in range(TASKS)))
        outbox.serve(inbox)
        jobs.start(poll_s=0.05)
        expected = {f"{person}: {percent}" for person in range(1, PEOPLE + 1) for percent in (50, 80, 100)}
        async with asyncio.timeout(120):
            while inbox.got.keys() != expected:  # noqa: ASYNC110 # a worker fills it
                await asyncio.sleep(0.05)
    assert sum(handed_out) == len(expected)
    assert set(inbox.got.values()) == {1}


async def test_a_hand_out_that_fails_is_made_again_with_the_same_id(db: Database) -> None:
    budgets = Budgets(BudgetRepository(db), SystemClock())
    await budgets.set(replace(EACH, alert_percents=(50,)))
    await cross_all_of_one(db)
    seen: list[int] = []

    async def fail_once(crossing: Crossing) -> None:
        seen.append(crossing.id)
        if len(seen) == 1:
            raise ConnectionError("no")

    with pytest.raises(ConnectionError):
        await budgets.hand_out(fail_once)
    assert await budgets.hand_out(fail_once) == 1
    assert await budgets.hand_out(fail_once) == 0
    assert seen[0] == seen[1]


async def cross_all_of_one(db: Database) -> None:
    ledger = Ledger(CostRepository(db), PriceBook(CostSettings(), {}), EntryIds(0), SystemClock())
    call = Call("p", "m", Attribution(Purpose.CHAT, person_id=1), fixed_cost=Decimal(1))
    [reservation] = await ledger.reserve([call])
    await ledger.settle([(reservation, Usage())])
    await ledger.close()
