"""Every call of a month as lines for a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

from wompcore.costs.report import EVERYWHERE
from wompcore.errors import MonthInvalid
from wompcore.ids import snowflake_time
from wompcore.repos.costs import CostEntry, CostRepository

COLUMNS = ("at", *(field.name for field in fields(CostEntry) if field.name != "payer_id"))
"""The header: when a call was made, in UTC, and all that its entry tells."""

_PAGE = 250  # written in some ten milliseconds, for which the event loop stands still
# What a spreadsheet takes for a formula, and what it strips before looking (OWASP, "CSV Injection").
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LINE_BREAKS = re.compile(r"[\r\n]")
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


class CostExport:
    """Writes the ledger's entries as CSV (RFC 4180).

    Args:
        repository: Where the entries are.
    """

    def __init__(self, repository: CostRepository) -> None:
        self._repository = repository

    async def csv(
        self,
        month: datetime,
        *,
        guild_id: int = EVERYWHERE,
        hides: Callable[[int], bool] = lambda person_id: False,
    ) -> AsyncIterator[str]:
        """Yield the header and then the calls that a UTC month holds by now, the oldest first.

        Each is one line; at most 250 are in memory at once. Amounts are exact, times ISO 8601 in UTC. A
        text that a spreadsheet would take for a formula has an apostrophe before it.

        Args:
            month: Any moment of the month. A month whose entries were dropped has a header only.
            guild_id: The guild, or :data:`~wompcore.costs.EVERYWHERE`.
            hides: Whether a person's id, and that of the message they were answered, are left out.
        """
        yield _lines([COLUMNS])
        last = 0
        while page := await self._repository.entries(month, guild_id, after_id=last, limit=_PAGE):
            yield _lines(_row(entry, hides) for entry in page)
            last = page[-1].id


def month_named(text: str) -> datetime:
    """Return the first instant of a UTC month that is written like 2026-11.

    Raises:
        MonthInvalid: It is written otherwise, or not of this century.
    """
    if not _MONTH.fullmatch(text):
        raise MonthInvalid("that is no month")
    return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)


def _row(entry: CostEntry, hides: Callable[[int], bool]) -> list[str]:
    values = {field: getattr(entry, field) for field in COLUMNS[1:]}
    if entry.person_id is not None and hides(entry.person_id):
        values["person_id"] = values["message_id"] = None
    at = snowflake_time(entry.id).isoformat(timespec="milliseconds")
    return [at, *map(_cell, values.values())]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    line = _LINE_BREAKS.sub(" ", text)  # a table is cut between lines
    return f"'{line}" if isinstance(value, str) and text.startswith(_BEGINS_FORMULA) else line


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
