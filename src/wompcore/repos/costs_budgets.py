"""Budgets and their meters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, LiteralString

import psycopg
from psycopg import AsyncConnection

from wompcore.errors import BudgetInvalid
from wompcore.repos.costs import HOLD_LEDGER, ledger_held
from wompcore.repos.costs_crossings import BudgetScope, Crossing, CrossingRepository, Period, Unit
from wompcore.repos.costs_windows import forget_windows

__all__ = ["Action", "Budget", "BudgetRepository", "BudgetScope", "Crossing", "Period", "Unit", "Used"]

Action = Literal["refuse", "fall_back", "warn"]

_FIELDS = """scope, key, period, zone, unit, action, amount, background_amount, alert_percents, alert_step"""
_SET = f"""
INSERT INTO budgets ({_FIELDS}, set_at) VALUES (
    %(scope)s, %(key)s, %(period)s, %(zone)s, %(unit)s, %(action)s, %(amount)s,
    %(background_amount)s, %(alert_percents)s, %(alert_step)s,
    date_trunc('milliseconds', %(at)s::timestamptz))  -- as exact as the ids that are compared with it
ON CONFLICT (scope, key, period, unit, action) DO UPDATE SET zone = excluded.zone, amount = excluded.amount,
    background_amount = excluded.background_amount, alert_percents = excluded.alert_percents,
    alert_step = excluded.alert_step
RETURNING {_FIELDS}, id, set_at
"""
# In another zone other windows are current; what is closed stays so in them.
_STAY_CLOSED = """
INSERT INTO budget_meters (budget_id, key, starts_at, barred)
SELECT b.id, m.key, budget_bucket(b.period, %(zone)s, %(at)s), true
FROM budgets AS b JOIN budget_meters AS m ON m.budget_id = b.id AND m.barred
    AND m.starts_at = budget_bucket(b.period, b.zone, %(at)s)
WHERE (b.scope, b.key, b.period, b.unit, b.action)
        = (%(scope)s, %(key)s, %(period)s, %(unit)s, %(action)s)
    AND b.period IN ('day', 'month') AND b.zone <> %(zone)s
ON CONFLICT (budget_id, key, starts_at) DO UPDATE SET barred = true
"""
_ALL = f"SELECT {_FIELDS}, id, set_at FROM budgets ORDER BY scope, key, id"
_REMOVE = "DELETE FROM budgets WHERE id = %(budget)s"
# The note that it was closed goes too, so that the next time is told of again.
_LIFT = """
WITH told AS (DELETE FROM budget_crossings WHERE budget_id = %(budget)s AND percent = -1)
UPDATE budget_meters SET barred = false WHERE budget_id = %(budget)s AND barred
"""
# Only windows that are still open: others are asked for by nobody and their entries may be gone.
_CLEAR = """
UPDATE budget_meters AS m SET spent = rolled_up, held = 0 FROM budgets AS b
WHERE b.id = m.budget_id AND m.starts_at >= budget_since(b.period, b.zone, %(at)s)
    AND (%(budget)s::bigint IS NULL OR b.id = %(budget)s)
"""
_FILL = """
INSERT INTO budget_meters (budget_id, key, starts_at, spent, held)
SELECT budget_id, key, starts_at, spent, held FROM budget_sums(%(at)s)
WHERE %(budget)s::bigint IS NULL OR budget_id = %(budget)s
ON CONFLICT (budget_id, key, starts_at) DO UPDATE SET spent = excluded.spent, held = excluded.held
"""
_CHECK = """
SELECT budget_id, key, starts_at FROM budget_sums(%(at)s) AS s FULL JOIN (
    SELECT m.* FROM budget_meters AS m JOIN budgets AS b ON b.id = m.budget_id
    WHERE m.starts_at >= budget_since(b.period, b.zone, %(at)s)
) AS m USING (budget_id, key, starts_at)
WHERE (coalesce(s.spent, 0), coalesce(s.held, 0)) <> (coalesce(m.spent, 0), coalesce(m.held, 0))
ORDER BY 1, 2, 3
"""
_USED = """
SELECT id, key, spent, held, barred FROM (
    SELECT b.id, m.key, sum(m.spent) AS spent, sum(m.held) AS held, bool_or(m.barred) AS barred,
        row_number() OVER (
            PARTITION BY b.id ORDER BY bool_or(m.barred) DESC, sum(m.spent) DESC, m.key
        ) AS place
    FROM budgets AS b JOIN budget_meters AS m ON m.budget_id = b.id
        AND m.starts_at >= budget_since(b.period, b.zone, %(at)s)
    GROUP BY 1, 2
) AS used WHERE place <= %(limit)s ORDER BY id, place
"""
_USED_BY = """
SELECT b.id, m.key, sum(m.spent), sum(m.held), bool_or(m.barred)
FROM unnest(%(keys)s::text[]) AS part (key)
JOIN budgets AS b ON b.scope = %(scope)s AND b.key IN (part.key, '*')
JOIN budget_meters AS m ON m.budget_id = b.id AND m.key = part.key
    AND m.starts_at >= budget_since(b.period, b.zone, %(at)s)
GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent on something in a window of time.

    Args:
        scope: What it is for.
        key: Which one: an id, or a name; ``*`` for each one on its own; empty for everything.
        period: ``hour`` is a rolling one, in minutes; ``day`` and ``month`` are the calendar's;
            ``total`` counts from the day the budget was set.
        zone: The time zone whose days and months these are.
        unit: What the amounts count.
        action: What is done with a call beyond it. ``refuse`` is judged by the worst case, the others
            by the expected one.
        amount: What may be spent; ``None`` to be told of steps only.
        background_amount: What may be spent before calls that nobody waits for are stopped.
        alert_percents: Parts of the amount that are told of when they are reached.
        alert_step: Every multiple of it is told of too.
        id: Its number, once it is set.
        set_at: When it was set first.
    """

    scope: BudgetScope
    key: str = ""
    period: Period = "month"
    zone: str = "UTC"
    unit: Unit = "usd"
    action: Action = "warn"
    amount: Decimal | None = None
    background_amount: Decimal | None = None
    alert_percents: tuple[int, ...] = (50, 80, 100)
    alert_step: Decimal | None = None
    id: int = 0
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What is used of a budget in its current window.

    Args:
        budget_id: The budget.
        key: Of a budget for each one on its own: which one.
        spent: What settled calls cost.
        held: What calls in progress may cost.
        barred: Whether it is closed after a call above its reservation.
    """

    budget_id: int
    key: str
    spent: Decimal
    held: Decimal
    barred: bool


class BudgetRepository(CrossingRepository):
    """Keeps budgets.

    Args:
        db: The open database.
    """

    async def set(self, budget: Budget, at: datetime) -> Budget:
        """Set a budget, or change the one with the same scope, key, period, unit and action.

        What was spent in its current window, and what calls in progress hold, counts at once. One that a call
        above its reservation closed stays closed, also when its zone changes.

        Raises:
            BudgetInvalid: The database cannot keep it, or does not know its time zone.
        """
        values = {name: getattr(budget, name) for name in _FIELDS.split(", ")}
        values |= {"alert_percents": list(budget.alert_percents), "at": at}
        try:
            async with ledger_held(self._db) as connection:
                await connection.execute(_STAY_CLOSED, values)
                row = await (await connection.execute(_SET, values)).fetchone()
                assert row is not None
                kept = _budget(row)
                await _sum_anew(connection, at, kept.id)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise BudgetInvalid(f"it cannot be kept: {str(error).split(chr(10), 1)[0]}") from error
        return kept

    async def all(self) -> list[Budget]:
        """Return every budget."""
        return [_budget(row) for row in await self._db.fetch_all(_ALL)]

    async def remove(self, budget_id: int) -> bool:
        """Remove a budget and return whether there was one; calls that are being booked are waited for."""
        return await self._change(_REMOVE, budget_id)

    async def lift(self, budget_id: int) -> bool:
        """Open a budget that a call above its reservation closed; return whether it was closed."""
        return await self._change(_LIFT, budget_id)

    async def used(self, at: datetime, *, limit: int = 10) -> list[Used]:
        """Return what is used of each budget at a moment: first what is closed, then what spent most.

        Args:
            at: The moment.
            limit: Keys per budget at most.
        """
        return [Used(*row) for row in await self._db.fetch_all(_USED, {"at": at, "limit": limit})]

    async def used_by(self, scope: BudgetScope, keys: Iterable[str], at: datetime) -> list[Used]:
        """Return what some keys of a scope used of the budgets that count them."""
        values = {"scope": scope, "keys": list(keys), "at": at}
        return [Used(*row) for row in await self._db.fetch_all(_USED_BY, values)]

    async def check(self, at: datetime) -> list[tuple[int, str, datetime]]:
        """Compare the meters of all current windows with entries and reservations.

        Returns:
            Budget, key and window of each that differs; empty when all are right.
        """
        async with self._db.direct_connection() as connection:  # it may take longer than a statement may
            cursor = await connection.execute(_CHECK, {"at": at})
            return [(one, key, start) for one, key, start in await cursor.fetchall()]

    async def rebuild(self, at: datetime) -> None:
        """Sum the meters of all current windows anew."""
        async with ledger_held(self._db) as connection:
            await _sum_anew(connection, at, None)

    async def forget(self, at: datetime) -> None:
        """Remove minutes that no rolling hour counts, and a day after a window ended whom it counted."""
        await forget_windows(self._db, at)

    async def _change(self, statement: LiteralString, budget_id: int) -> bool:
        """Run a statement while nobody reserves or settles: a call counts to a budget whole or not at all."""
        async with self._db.transaction() as connection:
            await connection.execute(HOLD_LEDGER)
            return (await connection.execute(statement, {"budget": budget_id})).rowcount > 0


def _budget(row: tuple[object, ...]) -> Budget:
    values: dict[str, Any] = dict(zip((field.name for field in fields(Budget)), row, strict=True))
    return Budget(**{**values, "alert_percents": tuple(values["alert_percents"])})


async def _sum_anew(connection: AsyncConnection, at: datetime, budget_id: int | None) -> None:
    for statement in (_CLEAR, _FILL):
        await connection.execute(statement, {"at": at, "budget": budget_id})
