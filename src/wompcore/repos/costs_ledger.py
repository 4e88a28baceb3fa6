"""The ledger's statements. What they do is in the functions of migrations 0005 and later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from wompcore.db import Database
from wompcore.money import Usd
from wompcore.repos.refused import refusals

_RESERVE = "SELECT hard, passed::text FROM cost_reserve(%s::json)"
_SETTLE = "SELECT hard FROM cost_settle(%s::json, %s::bigint[], %s::timestamptz)"
_SWEEP = "SELECT swept FROM cost_sweep(%s::timestamptz, %s)"
_BESIDE_ENTRY = ("expected_usd", "expected_tokens", "background", "expires_at")


@dataclass(frozen=True, slots=True)
class CostEntry:
    """One call as it is recorded; the fields are the table's columns.

    Whom it was for is not kept of somebody who opted out. Budgets for people count them all the same, by
    ``payer_id``, which the database keeps only while there is such a budget and until its window ends.
    """

    id: int
    provider: str
    model: str
    purpose: str
    plugin: str | None
    guild_id: int | None
    channel_id: int | None
    person_id: int | None
    message_id: int | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: Usd
    price_source: str
    estimated: bool
    outcome: str
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    images: int = 0
    audio_tokens: int = 0
    audio_s: float | None = None
    price: str | None = None
    estimate_usd: Usd | None = None
    reserved_usd: Usd | None = None
    above_reserved: bool = False
    swept: bool = False
    payer_id: int | None = None


ENTRY_COLUMNS = tuple(field.name for field in fields(CostEntry))
"""The table's columns, in the order of the fields."""

_VALUES = attrgetter(*ENTRY_COLUMNS)


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A call that wants to start.

    Args:
        entry: What is booked when it is never settled: its worst case.
        expected_usd: What it probably costs.
        expected_tokens: What it probably uses.
        background: Whether nobody waits for it.
        expires_at: When it counts as lost.
    """

    entry: CostEntry
    expected_usd: Usd
    expected_tokens: int
    background: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PassedLimit:
    """A budget that a call goes beyond.

    Args:
        group: The call's group.
        budget_id: The budget.
        scope: What it is for.
        key: Which one, empty for everything.
        period: Its window.
        unit: ``usd`` or ``tokens``.
        action: What is done about it.
        limit: What may be spent.
        spent: What is spent, calls in progress included.
        needed: What the call could come to.
        barred: Whether the budget is closed after a call above its reservation.
        resets_at: When there is room again; ``None`` when waiting does not help.
    """

    group: int
    budget_id: int
    scope: str
    key: str
    period: str
    unit: str
    action: str
    limit: Decimal
    spent: Decimal
    needed: Decimal
    barred: bool
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of calls that wanted to start.

    Args:
        hard: Whether there is a budget that refuses calls.
        passed: The budgets they go beyond; a group with one that refuses was not admitted.
    """

    hard: bool
    passed: tuple[PassedLimit, ...]


class LedgerRepository:
    """Writes reservations and entries.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def reserve(self, groups: Sequence[Sequence[ReservationRow]]) -> Admission:
        """Admit groups of calls, each whole or not at all, and keep their reservations; in one statement.

        Args:
            groups: The calls of each group.

        Raises:
            RowsRefused: At least one call's data is refused; nothing was admitted.
        """
        with refusals():
            row = await self._db.fetch_one(_RESERVE, (_json(_numbered(groups)),))
        assert row is not None
        return Admission(
            row[0], tuple(_passed(one) for one in json.loads(row[1] or "[]", parse_float=Decimal))
        )

    async def settle(self, entries: Sequence[CostEntry], released: Sequence[int], at: datetime) -> bool:
        """Write entries, add them to all totals and end their reservations; in one statement.

        An entry that is there already changes nothing, unless a sweep wrote it: then it is corrected.

        Args:
            entries: Calls that were made.
            released: Ids of reservations whose calls were never made.
            at: Now.

        Returns:
            Whether there is a budget that refuses calls.

        Raises:
            RowsRefused: At least one entry's data is refused; nothing was written.
        """
        with refusals():
            values = (_json(map(_columns, entries)), list(released), at)
            return bool(await self._db.fetch_value(_SETTLE, values))

    async def record(self, entries: Sequence[CostEntry]) -> None:
        """Write entries that were not reserved; as :meth:`settle`."""
        await self.settle(entries, [], datetime.now(UTC))

    async def sweep(self, at: datetime, *, limit: int = 500) -> int:
        """Book the reservations that ended unsettled before a moment, oldest first, and return how many.

        Any number of processes may do it at once.
        """
        return int(await self._db.fetch_value(_SWEEP, (at, limit)))


def _columns(entry: CostEntry) -> dict[str, object]:
    return dict(zip(ENTRY_COLUMNS, _VALUES(entry), strict=True))  # asdict would copy each value


def _json(rows: Iterable[Mapping[str, object]]) -> str:
    return json.dumps(list(rows), default=str)


def _numbered(groups: Sequence[Sequence[ReservationRow]]) -> Iterator[Mapping[str, object]]:
    for number, group in enumerate(groups):
        for row in group:
            more = {name: getattr(row, name) for name in _BESIDE_ENTRY}
            yield {**_columns(row.entry), **more, "group": number}


def _passed(row: Mapping[str, Any]) -> PassedLimit:
    resets_at = row["resets_at"] and datetime.fromisoformat(row["resets_at"])
    amounts = {name: Decimal(row[name]) for name in ("limit", "spent", "needed")}
    return PassedLimit(**{**row, **amounts, "resets_at": resets_at})
