"""A process that spends: ``spending_process.py URL INSTANCE TASKS KILLED_AT``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable
from datetime import UTC, datetime
from decimal import Decimal

from wompcore.clock import SteppedClock
from wompcore.config import CostSettings, DatabaseSettings, Price
from wompcore.costs import Call, Ledger, PriceBook
from wompcore.db import Database
from wompcore.errors import BudgetExceeded
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.usage import Attribution, Purpose, Usage

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
CENT = Call("p", "m", Attribution(Purpose.CHAT, guild_id=7, person_id=9), max_input_tokens=10_000)
AT_ONCE = 5
STEPS = ("reserving", "reserved", "settling", "settled", "releasing", "released")


async def main(url: str, instance: int, tasks: int, killed_at: str) -> None:
    book = PriceBook(CostSettings(default_price=Price(input=Decimal(1), output=Decimal(1))), {})
    async with Database.open(DatabaseSettings(url=url)) as db:
        ledger = Ledger(CostRepository(db), book, EntryIds(instance), SteppedClock(AT))
        if killed_at:
            await spend_until_killed(ledger, killed_at)
        print(sum(await asyncio.gather(*(spend_all(ledger) for _ in range(tasks)))))
        await ledger.close()


async def spend_all(ledger: Ledger) -> int:
    """Spend cents until nothing is left; return how many."""
    count = 0
    while True:
        try:
            [reservation] = await ledger.reserve([CENT])
        except BudgetExceeded:
            return count
        count += 1
        await ledger.settle([(reservation, Usage(10_000))])


async def spend_until_killed(ledger: Ledger, step: str) -> None:
    """Spend a cent, then several at once as far as the step, and die."""
    [reservation] = await ledger.reserve([CENT])
    await ledger.settle([(reservation, Usage(5_000))])
    reserving = asyncio.gather(*(ledger.reserve([CENT]) for _ in range(AT_ONCE)))
    await die_when(step == "reserving")
    reservations = [reservation for [reservation] in await reserving]
    await die_when(step == "reserved")
    if step in ("settling", "settled"):
        closing = asyncio.gather(*(as_work(ledger.settle([(one, Usage(5_000))])) for one in reservations))
    else:
        closing = asyncio.gather(*(as_work(ledger.release([one])) for one in reservations))
    await die_when(step in ("settling", "releasing"))
    await closing
    await die_when(True)


async def as_work(work: Awaitable[object]) -> None:
    await work


async def die_when(due: bool) -> None:
    if due:
        await asyncio.sleep(float(os.environ.get("SPENDING_WAIT", "0")))
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
