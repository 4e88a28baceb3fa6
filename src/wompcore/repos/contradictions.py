"""Claims of a person that do not go together: candidates, findings, and who wants to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wompcore.db import Database
from wompcore.repos.receipts import SHOWN

OLDER_AT_LEAST: Final = 2
"""Older claims that a person must have before anything is compared (spec 04, section 3)."""

CANDIDATES: Final = 10
"""Older claims that a new one is compared with at most (spec 04, section 3)."""

TOLD_EVERY: Final = timedelta(days=1)
"""How often a person is told of a contradiction at most (spec 04, section 3)."""

# Any stem of the new claim, those claims first that share most. The author's index or that of the words
# finds them; which one is cheaper depends on how much the author claimed.
_CANDIDATES: Final = f"""
WITH new AS (
    SELECT id, guild_id, author_id, text FROM claims c
    WHERE c.message_id = %(message)s AND {SHOWN}
        AND NOT EXISTS (SELECT FROM claim_contradictions x WHERE x.claim_id = c.id)
        AND (SELECT count(*) FROM (
            SELECT FROM claims o WHERE o.author_id = c.author_id AND o.guild_id = c.guild_id
                AND o.id < c.id AND o.deleted_at IS NULL LIMIT %(at_least)s) AS older) = %(at_least)s
), asked AS MATERIALIZED (
    SELECT string_agg(
        '''' || replace(replace(stem, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery AS any
    FROM new, unnest(tsvector_to_array(to_tsvector('english', new.text))) AS stem
)
SELECT new.id, new.text, c.id, c.text, c.said_at FROM new, asked, claims c
WHERE c.author_id = new.author_id AND c.guild_id = new.guild_id AND c.id < new.id AND c.deleted_at IS NULL
    AND c.words @@ asked.any
ORDER BY ts_rank(c.words, asked.any) DESC, c.id DESC LIMIT %(limit)s
"""
# The author's row is locked, as by everyone who writes for a person; both claims must say what was compared.
_STORE: Final = """
WITH author AS (
    SELECT p.id FROM people p JOIN claims c ON c.author_id = p.id
    WHERE c.id = %(claim)s AND NOT p.opted_out FOR SHARE OF p
)
INSERT INTO claim_contradictions (claim_id, older_id, guild_id, author_id, explanation, found_at)
SELECT c.id, o.id, c.guild_id, c.author_id, %(explanation)s, %(at)s
FROM author, claims c, claims o
WHERE c.id = %(claim)s AND o.id = %(older)s AND o.author_id = c.author_id AND o.guild_id = c.guild_id
    AND c.deleted_at IS NULL AND o.deleted_at IS NULL AND c.text = %(text)s AND o.text = %(older_text)s
ON CONFLICT (claim_id) DO NOTHING
"""
_FOUND: Final = f"""
SELECT x.claim_id, c.text, c.said_at, x.older_id, o.text, o.said_at, x.author_id, c.author_name, x.explanation
FROM claim_contradictions x JOIN claims c ON c.id = x.claim_id JOIN claims o ON o.id = x.older_id
WHERE x.guild_id = %(guild)s AND {SHOWN} AND o.deleted_at IS NULL
"""
_OF_PERSON: Final = " AND x.author_id = %(person)s"
_NEWEST: Final = " ORDER BY x.claim_id DESC LIMIT %(limit)s"
_LISTEN: Final = """
INSERT INTO contradiction_listeners (person_id, guild_id, since, told_at)
SELECT %(person)s, %(guild)s, %(at)s, max(told_at) FROM contradiction_listeners WHERE person_id = %(person)s
ON CONFLICT (person_id, guild_id) DO NOTHING
"""
_UNLISTEN: Final = "DELETE FROM contradiction_listeners WHERE person_id = %s AND guild_id = %s"
# Whoever comes second waits for the rows and then sees that the day is taken.
_MAY_TELL: Final = """
WITH told AS (
    UPDATE contradiction_listeners SET told_at = %(at)s
    WHERE person_id = %(person)s AND (told_at IS NULL OR told_at <= %(at)s - %(every)s)
        AND EXISTS (SELECT FROM contradiction_listeners WHERE person_id = %(person)s AND guild_id = %(guild)s)
    RETURNING guild_id
)
SELECT EXISTS (SELECT FROM told WHERE guild_id = %(guild)s)
"""


@dataclass(frozen=True, slots=True)
class ClaimSaid:
    """A claim as it is compared.

    Args:
        id: Its number.
        text: What is claimed.
        said_at: When; ``None`` for the new one, which is said now.
    """

    id: int
    text: str
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """A new claim, and older ones of its author that are about the same.

    Args:
        claim: The new one.
        older: The closest first.
    """

    claim: ClaimSaid
    older: Sequence[ClaimSaid]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two claims of a person that do not go together.

    Args:
        claim: The newer one.
        older: The older one.
        author_id: Who made both.
        author_name: The author's name with the newer one.
        explanation: Why, as the model says.
    """

    claim: ClaimSaid
    older: ClaimSaid
    author_id: int
    author_name: str
    explanation: str


class ContradictionBook:
    """Keeps contradictions. They go with their claims, and when a claim's message is edited or deleted.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def candidates(self, message_id: int) -> Candidates | None:
        """Return what a message's claim could contradict, by the words they share.

        Returns:
            ``None`` when there is nothing to compare: the author has fewer than two older claims in the
            guild, none is about the same, a contradiction was found before, or the claim is gone.
        """
        values = {"message": message_id, "at_least": OLDER_AT_LEAST, "limit": CANDIDATES}
        rows = await self._db.fetch_all(_CANDIDATES, values)
        if not rows:
            return None
        return Candidates(ClaimSaid(*rows[0][:2]), tuple(ClaimSaid(*row[2:]) for row in rows))

    async def store(self, claim: ClaimSaid, older: ClaimSaid, explanation: str, at: datetime) -> bool:
        """Record a finding.

        Returns:
            False when nothing was stored: the author withdrew, or a claim was edited or deleted meanwhile.
        """
        values = {
            "claim": claim.id,
            "text": claim.text,
            "older": older.id,
            "older_text": older.text,
            "explanation": explanation,
            "at": at,
        }
        return await self._db.execute(_STORE, values) > 0

    async def found(
        self, guild_id: int, *, person_id: int | None = None, limit: int = 5
    ) -> list[Contradiction]:
        """Return contradictions in a guild, newest first.

        Args:
            guild_id: Where.
            person_id: Only theirs.
            limit: Contradictions at most.
        """
        query = _FOUND + (_OF_PERSON if person_id is not None else "") + _NEWEST
        rows = await self._db.fetch_all(query, {"guild": guild_id, "person": person_id, "limit": limit})
        return [Contradiction(ClaimSaid(*row[:3]), ClaimSaid(*row[3:6]), *row[6:]) for row in rows]

    async def listen(self, guild_id: int, person_id: int, at: datetime) -> None:
        """Note that a person wants to be told of their contradictions in a guild."""
        await self._db.execute(_LISTEN, {"person": person_id, "guild": guild_id, "at": at})

    async def unlisten(self, guild_id: int, person_id: int) -> None:
        """Note that a person no longer wants to be told."""
        await self._db.execute(_UNLISTEN, (person_id, guild_id))

    async def may_tell(self, guild_id: int, person_id: int, at: datetime) -> bool:
        """Return whether a person wants to be told now; once a day at most, in all guilds together."""
        values = {"guild": guild_id, "person": person_id, "at": at, "every": TOLD_EVERY}
        return bool(await self._db.fetch_value(_MAY_TELL, values))
