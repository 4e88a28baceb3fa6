"""Whoever listens hears of every settled call once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings
from wompcore.costs import Call, Ledger, PriceBook
from wompcore.db import Database
from wompcore.events import Observers
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_ledger import CostEntry
from wompcore.usage import Attribution, Purpose, Usage

CALL = Call("openrouter", "deepseek/deepseek-chat", Attribution(Purpose.CHAT, plugin="chat", person_id=9))


async def test_a_settled_call_is_told_once_without_who_may_not_be_named(db: Database) -> None:
    clock = SteppedClock(datetime(2026, 11, 23, 12, tzinfo=UTC))
    book = PriceBook.shipped(CostSettings())
    ledger = Ledger(CostRepository(db), book, EntryIds(1), clock, may_name=lambda person_id: False)
    told: list[CostEntry] = []
    end = ledger.settled.add(told.append)
    first, second, third = await ledger.reserve([CALL, CALL, CALL])
    await ledger.settle([(first, Usage(1_000_000, 0))])
    await ledger.settle([(first, Usage(1_000_000, 0))])
    await ledger.release([second])
    end()
    await ledger.settle([(third, Usage(1, 1))])
    await ledger.close()
    assert [(entry.id, entry.cost_usd, entry.person_id) for entry in told] == [
        (first.id, Decimal("0.14"), None)
    ]


def test_one_who_fails_to_hear_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []
    observers: Observers[int] = Observers()
    end = observers.add(lambda event: heard.append(event // 0))
    observers.add(heard.append)
    observers.tell(1)
    end()
    observers.tell(2)
    assert heard == [1, 2]
    assert caplog.text.count("ZeroDivisionError") == 1
