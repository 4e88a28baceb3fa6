"""Budgets hold across processes, and the ledger balances after any of them was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings
from wompcore.costs import Budget, Budgets, Ledger, PriceBook
from wompcore.db import Database
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository

sys.path.insert(0, str(Path(__file__).parent))
from spending_process import AT, AT_ONCE, STEPS  # a script beside this file, not a package

SCRIPT = Path(__file__).with_name("spending_process.py")
BUDGET = Budget("all", action="refuse", amount=Decimal("2.00"))


async def spending(db: Database, instance: int, tasks: int = 1, killed_at: str = "", wait: str = "0") -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), db.url, str(instance), str(tasks), killed_at,
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "SPENDING_WAIT": wait},
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == (-signal.SIGKILL if killed_at else 0)
    return said.decode()


async def test_four_processes_of_fifty_tasks_spend_all_and_not_a_cent_more(db: Database) -> None:
    budgets = Budgets(BudgetRepository(db), SteppedClock(AT))
    await budgets.set(BUDGET)
    counts = await asyncio.gather(*(spending(db, instance, 50) for instance in range(4)))
    assert sum(map(int, counts)) == 200
    [use] = await budgets.all()
    assert (use.used[0].spent, use.used[0].held) == (2, 0)
    assert await db.fetch_value("SELECT sum(cost_usd) FROM cost_entries") == 2
    assert await budgets.check_totals() == []
    assert await CostRepository(db).check_totals(AT) == []


@pytest.mark.endurance
@pytest.mark.parametrize("step", STEPS)
async def test_the_ledger_balances_after_a_kill_at_any_step(db: Database, step: str) -> None:
    clock = SteppedClock(AT)
    budgets, costs = Budgets(BudgetRepository(db), clock), CostRepository(db)
    await budgets.set(BUDGET)
    waits = ["0", "0.0005", "0.002"] if os.environ.get("WOMPBOT_ENDURANCE") else ["0.0005"]
    for instance, wait in enumerate(waits):
        await spending(db, instance, killed_at=step, wait=wait)
    await others_gone(db)

    clock.advance_to(AT + timedelta(hours=1))
    ledgers = [Ledger(costs, PriceBook.shipped(CostSettings()), EntryIds(9 + n), clock) for n in range(2)]
    await asyncio.gather(*(ledger.sweep() for ledger in ledgers))

    [use] = await budgets.all()
    spent = use.used[0].spent
    low = Decimal("0.005") * len(waits)  # half a cent, which was settled before
    settled, high = low * (1 + AT_ONCE), low * (1 + 2 * AT_ONCE)
    assert low <= spent <= high
    assert use.used[0].held == 0
    known = {"reserved": high, "settled": settled, "released": low}
    assert spent == known.get(step, spent)
    assert await db.fetch_value("SELECT sum(cost_usd) FROM cost_entries") == spent
    assert await db.fetch_value("SELECT count(*) FROM cost_reservations") == 0
    assert await db.fetch_value("SELECT bool_and(swept = (outcome = 'swept')) FROM cost_entries")
    assert await budgets.check_totals() == []
    assert await costs.check_totals(AT) == []


async def others_gone(db: Database) -> None:
    """Wait until the server has finished what the killed process had sent."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
    """
    while await db.fetch_value(query):  # noqa: ASYNC110 - the server has no reason to announce this
        await asyncio.sleep(0.01)
