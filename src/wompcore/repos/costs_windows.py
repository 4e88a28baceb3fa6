"""Budgets' windows that are over: what they counted, and whom, is forgotten."""

from __future__ import annotations

from datetime import datetime

from wompcore.db import Database
from wompcore.repos.costs import HOLD_LEDGER

# The day leaves time to every call that was reserved before a window ended.
_FORGET = (
    """
DELETE FROM budget_meters AS m USING budgets AS b
WHERE b.id = m.budget_id AND (b.period = 'hour' OR b.scope = 'person') AND m.starts_at > '-infinity'
    AND m.starts_at < budget_since(b.period, b.zone, %(at)s - interval '1 day')
""",
    """
DELETE FROM budget_meters AS m USING budgets AS b
WHERE b.id = m.budget_id AND b.period = 'hour' AND b.scope = 'person' AND NOT EXISTS (
    SELECT FROM budget_meters AS o
    WHERE o.budget_id = m.budget_id AND o.key = m.key AND o.starts_at > '-infinity')
""",
    """
DELETE FROM budget_crossings AS c USING budgets AS b
WHERE b.id = c.budget_id AND b.scope = 'person' AND b.period <> 'total' AND c.delivered_at IS NOT NULL
    AND c.starts_at < budget_since(b.period, b.zone, %(at)s - interval '1 day')
""",
    """
UPDATE cost_entries AS e SET payer_id = NULL WHERE payer_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM budgets AS b WHERE b.scope = 'person' AND b.key IN ('*', e.payer_id::text)
        AND entry_time(e.id) >= CASE b.period WHEN 'total' THEN b.set_at
            ELSE budget_since(b.period, b.zone, %(at)s - interval '1 day') END)
""",
)


async def forget_windows(db: Database, at: datetime) -> None:
    """Remove minutes that no rolling hour counts, and whom windows counted that ended a day ago.

    Args:
        db: The open database.
        at: Now.
    """
    async with db.transaction() as connection:
        await connection.execute(HOLD_LEDGER)
        for statement in _FORGET:
            await connection.execute(statement, {"at": at})
