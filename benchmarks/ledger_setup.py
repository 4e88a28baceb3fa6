"""A durable database with a ledger, for the benchmarks of rows 5 and 6."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from wompcore.clock import SystemClock
from wompcore.config import CostSettings, DatabaseSettings, Price
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook
from wompcore.db import Database, migrate, migrations_in
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.repos.partitions import PartitionRepository
from wompcore.usage import Attribution, Purpose, Usage

USED = Usage(400, 100)


@dataclass(frozen=True, slots=True)
class Setup:
    db: Database
    ledger: Ledger

    async def pair(self, guild: int = 1) -> None:
        """Reserve a call and settle it."""
        [reservation] = await self.ledger.reserve([call(guild)])
        await self.ledger.settle([(reservation, USED)])


@asynccontextmanager
async def opened(url: str, *budgets: Budget) -> AsyncIterator[Setup]:
    async with Database.open(DatabaseSettings(url=url)) as db:
        await migrate(db, "core", migrations_in("wompcore.repos"))
        await PartitionRepository(db).ensure(SystemClock().now())
        for budget in budgets:
            await Budgets(BudgetRepository(db), SystemClock()).set(budget)
        price = Price(input=Decimal(1), output=Decimal(2))
        book = PriceBook(CostSettings(default_price=price), {})
        ledger = Ledger(CostRepository(db), book, EntryIds(1), SystemClock())
        yield Setup(db, ledger)
        await ledger.close()


def call(guild: int) -> Call:
    who = Attribution(Purpose.CHAT, plugin="chat", guild_id=guild, channel_id=guild, person_id=guild)
    return Call("p", "m", who, max_output_tokens=1000, max_input_tokens=4000)
