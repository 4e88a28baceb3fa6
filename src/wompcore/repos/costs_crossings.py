"""The thresholds of budgets that were crossed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from wompcore.db import Database

BudgetScope = Literal["all", "guild", "channel", "person", "plugin", "purpose", "model"]
Period = Literal["hour", "day", "month", "total"]
Unit = Literal["usd", "tokens"]

CROSSINGS = "budget_crossings"
"""NOTIFY channel: a threshold was crossed."""

_CLOSED, _REFUSED = -1, -2  # instead of a percentage

# Of a window's steps the highest is told, and of one budget's steps one in ten minutes.
_NEXT_CROSSING = """
SELECT c.id, c.budget_id, b.scope, c.key, b.period, b.unit, b.amount, c.starts_at, c.percent, c.threshold,
    c.spent, c.crossed_at
FROM budget_crossings AS c JOIN budgets AS b ON b.id = c.budget_id
WHERE c.delivered_at IS NULL AND NOT (c.percent = 0 AND EXISTS (
    SELECT FROM budget_crossings AS o
    WHERE o.budget_id = c.budget_id AND o.key = c.key AND o.percent = 0 AND (
        o.delivered_at > now() - interval '10 minutes'
        OR (o.starts_at = c.starts_at AND o.threshold > c.threshold AND o.delivered_at IS NULL))))
ORDER BY c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED
"""
_HANDED_OUT = """
UPDATE budget_crossings AS c SET delivered_at = now() FROM budget_crossings AS told
WHERE told.id = %s AND (c.id = told.id OR (
    c.budget_id = told.budget_id AND c.key = told.key AND c.starts_at = told.starts_at
    AND c.delivered_at IS NULL AND c.percent = 0 AND told.percent = 0 AND c.threshold < told.threshold))
"""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that was reached.

    Args:
        id: Its number; the same crossing always has the same.
        budget_id: The budget.
        scope: What the budget is for.
        key: Which one, empty for everything.
        period: The budget's window.
        unit: What the amounts count.
        amount: The budget's amount.
        starts_at: The first instant of the window; of a rolling hour, the clock's hour.
        percent: Which part of the amount was reached; 0 for a multiple of the budget's step, -1 when a call
            above its reservation closed the budget, -2 when it refused a call.
        threshold: What was reached; of several steps at once, the highest; of a refusal, its limit.
        spent: What was spent then; of a refusal, what calls in progress hold included.
        crossed_at: When.
    """

    id: int
    budget_id: int
    scope: BudgetScope
    key: str
    period: Period
    unit: Unit
    amount: Decimal | None
    starts_at: datetime | None
    percent: int
    threshold: Decimal
    spent: Decimal
    crossed_at: datetime

    @property
    def closed(self) -> bool:
        """Whether it closed the budget: a provider broke its own limits."""
        return self.percent == _CLOSED

    @property
    def refused(self) -> bool:
        """Whether the budget refused a call."""
        return self.percent == _REFUSED


class CrossingRepository:
    """Hands out what was crossed.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def hand_out(self, to: Callable[[Crossing], Awaitable[object]]) -> bool:
        """Hand the oldest crossing that is not handed out to somebody; return whether there was one.

        Of all processes one gets it. It counts as handed out once ``to`` returns; if the process ends just
        then it is handed out again, so ``to`` does its work once per id.
        """
        async with self._db.transaction() as connection:
            row = await (await connection.execute(_NEXT_CROSSING)).fetchone()
            if row is None:
                return False
            crossing = Crossing(*row)
            await to(crossing)
            await connection.execute(_HANDED_OUT, (crossing.id,))
        return True
