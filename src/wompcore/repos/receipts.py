"""Claims as members see them: what was said, and what moderators ruled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from wompcore.db import Database
from wompcore.errors import ClaimUnknown, RulingRefused
from wompcore.ids import MAX_ID

Ruling = Literal["unverified", "true", "false", "mixed", "outdated"]
"""What a moderator can rule; ``unverified`` takes a ruling back."""

_COLUMNS: Final = """c.id, c.message_id, c.guild_id, c.channel_id, c.author_id, c.author_name, c.text, c.kind,
    c.confidence, c.said_at, c.horizon, c.due_on, c.original_text, c.edits, c.ruling, c.ruled_by, c.ruled_at,
    c.ruling_notes"""
_EDITS: Final = 13  # where they stand among the columns
SHOWN: Final = """
c.deleted_at IS NULL AND NOT EXISTS (SELECT FROM people p WHERE p.id = c.author_id AND p.opted_out)"""
"""Which claims ``c`` people may see."""

# The query is worked out first, so that the index is chosen by what is usual: a beginning looks too frequent.
ASKED: Final = """asked AS MATERIALIZED (
    SELECT coalesce(nullif(plainto_tsquery('simple', %(words)s)::text, '') || ':*', '')::tsquery
        || plainto_tsquery('english', %(words)s) AS words
), """
"""Looks for words: each must be there, as it stands or by its stem; the last may be the beginning of one."""

_BY_ID: Final = f"SELECT {_COLUMNS} FROM claims c WHERE {SHOWN} AND c.guild_id = %(guild)s AND c.id = %(id)s"
_CONTEXT: Final = """
SELECT m.author_name, m.text
FROM claims c JOIN messages m ON m.id = ANY(c.context_ids) AND m.text <> ''
JOIN people p ON p.id = m.author_id AND NOT p.opted_out
WHERE c.id = %s ORDER BY m.id
"""
_RULE: Final = f"""
UPDATE claims c SET ruling = %(ruling)s, ruled_by = %(by)s, ruled_at = %(at)s, ruling_notes = %(notes)s
WHERE {SHOWN} AND c.guild_id = %(guild)s AND c.id = %(id)s AND c.author_id <> %(by)s
RETURNING {_COLUMNS}
"""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a message that carries a claim.

    Args:
        text: What the message says since.
        at: When.
    """

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on record.

    Args:
        id: Its number, shown as ``#id``.
        message_id: The message that carries it.
        guild_id: Where.
        channel_id: Where.
        author_id: Who said so.
        author_name: The author's name then.
        text: The claim; after an edit the whole new message.
        kind: ``prediction``, ``fact``, ``opinion`` or ``guarantee``.
        confidence: ``certain``, ``probable`` or ``uncertain``.
        said_at: When.
        horizon: The words that say when it comes true; empty for none.
        due_on: The last day on which it can, where it was said.
        original_text: The claim before the first edit; ``None`` if there was none.
        edits: The newest edits, oldest first.
        ruling: What a moderator ruled.
        ruled_by: Who ruled.
        ruled_at: When.
        ruling_notes: Why.
    """

    id: int
    message_id: int
    guild_id: int
    channel_id: int
    author_id: int
    author_name: str
    text: str
    kind: str
    confidence: str
    said_at: datetime
    horizon: str
    due_on: date | None
    original_text: str | None
    edits: tuple[Edit, ...]
    ruling: Ruling
    ruled_by: int | None
    ruled_at: datetime | None
    ruling_notes: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """A page of claims.

    Args:
        claims: The newest first.
        total: How many there are on all pages.
        newer: Whether there are newer ones than these.
        older: Whether there are older ones than these.
    """

    claims: tuple[Claim, ...]
    total: int
    newer: bool = False
    older: bool = False


class ReceiptBook:
    """Finds claims and takes rulings. Deleted claims and people who withdrew are never shown.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(
        self,
        guild_id: int,
        *,
        person_id: int | None = None,
        words: str = "",
        before_id: int | None = None,
        after_id: int | None = None,
        limit: int = 10,
    ) -> Receipts:
        """Return claims of a guild, newest first.

        Args:
            guild_id: Where.
            person_id: Only theirs.
            words: Only those with all these words, in any case; the last may be the beginning of one.
            before_id: Only claims with a lower number: the next page.
            after_id: Only claims with a higher number, those nearest to it: the page before.
            limit: Claims at most.
        """
        values = {"guild": guild_id, "person": person_id, "words": words, "limit": limit + 1}
        back = after_id is not None
        values["from"] = after_id if back else MAX_ID if before_id is None else before_id
        rows = await self._db.fetch_all(_page(person_id is not None, bool(words), back=back), values)
        total = rows[0][0] if rows else 0
        claims = [_claim(row[1:]) for row in rows[:limit] if row[1] is not None]
        more = len(rows) > limit
        if back:
            return Receipts(tuple(reversed(claims)), total, newer=more, older=True)
        return Receipts(tuple(claims), total, newer=before_id is not None, older=more)

    async def by_id(self, guild_id: int, claim_id: int) -> Claim:
        """Return a claim of a guild.

        Raises:
            ClaimUnknown: There is none, it was deleted, or its author withdrew.
        """
        row = await self._db.fetch_one(_BY_ID, {"guild": guild_id, "id": claim_id})
        if row is None:
            raise ClaimUnknown(f"there is no claim #{claim_id} here")
        return _claim(row)

    async def said_before(self, claim_id: int) -> list[tuple[str, str]]:
        """Return who said what right before a claim, as it stands now, of people who consent; in order."""
        rows = await self._db.fetch_all(_CONTEXT, (claim_id,))
        return [(name, text) for name, text in rows]

    async def rule(
        self, guild_id: int, claim_id: int, ruling: Ruling, *, by_id: int, at: datetime, notes: str = ""
    ) -> Claim:
        """Record what somebody ruled, and who.

        Raises:
            ClaimUnknown: There is no such claim in the guild.
            RulingRefused: It is the ruler's own.
        """
        values = {"guild": guild_id, "id": claim_id, "ruling": ruling, "by": by_id, "at": at, "notes": notes}
        row = await self._db.fetch_one(_RULE, values)
        if row is None:
            await self.by_id(guild_id, claim_id)
            raise RulingRefused
        return _claim(row)


def _page(of_person: bool, with_words: bool, *, back: bool) -> str:
    """Return the statement for a page: only what is asked for, so that each has its own plan."""
    wanted = f"c.guild_id = %(guild)s AND {SHOWN}"
    if of_person:
        wanted += " AND c.author_id = %(person)s"
    if with_words:
        wanted += " AND c.words @@ asked.words"
    step, order = (">", "ASC") if back else ("<", "DESC")
    return f"""
WITH {ASKED if with_words else ""}found AS MATERIALIZED (
    SELECT c.id FROM {"asked, " if with_words else ""}claims c WHERE {wanted}
), page AS (
    SELECT id FROM found WHERE id {step} %(from)s ORDER BY id {order} LIMIT %(limit)s
)
SELECT total.count, {_COLUMNS} FROM (SELECT count(*) FROM found) AS total
LEFT JOIN (page JOIN claims c USING (id)) ON true ORDER BY c.id {order}
"""


def _claim(row: tuple[Any, ...]) -> Claim:
    values = list(row)
    values[_EDITS] = tuple(Edit(edit["text"], datetime.fromisoformat(edit["at"])) for edit in row[_EDITS])
    return Claim(*values)
