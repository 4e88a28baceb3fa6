"""What the claim filter can learn from, and what servers learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg.types.json import Jsonb

from wompcore.db import Database

KEPT: Final = 2000
"""Lessons of a guild that are learned from: the newest."""

KEPT_PER_PERSON: Final = 200
"""Of these, lessons of one person, so that nobody teaches a server alone."""

_ADD: Final = """
WITH author AS (
    SELECT id FROM people WHERE id = %(author)s AND NOT opted_out FOR SHARE
), added AS (
    INSERT INTO claim_lessons (message_id, guild_id, author_id, features, score, fired, share, is_claim)
    SELECT k.message_id, k.guild_id, a.id, %(features)s, %(score)s, %(fired)s,
        CASE WHEN k.explorable THEN %(share)s ELSE 0 END, %(is_claim)s
    FROM author a, claim_checks k WHERE k.message_id = %(message)s
    ON CONFLICT (message_id) DO NOTHING RETURNING message_id, guild_id
), noted AS (
    INSERT INTO claim_learning AS l (guild_id, revision) SELECT guild_id, 1 FROM added
    ON CONFLICT (guild_id) DO UPDATE SET revision = l.revision + 1
)
SELECT pg_notify(%(told_on)s, message_id::text) FROM added
"""
_OF: Final = """
SELECT features, score, fired, share, is_claim FROM (
    SELECT *, row_number() OVER (PARTITION BY author_id ORDER BY message_id DESC) AS of_person
    FROM claim_lessons WHERE guild_id = %(guild)s
) l WHERE of_person <= %(per_person)s ORDER BY message_id DESC LIMIT %(kept)s
"""
_COUNTED: Final = """
SELECT count(*) FILTER (WHERE fired), count(*) FILTER (WHERE fired AND is_claim),
    count(*) FILTER (WHERE fired AND is_claim AND share > 0),
    count(*) FILTER (WHERE NOT fired), count(*) FILTER (WHERE NOT fired AND is_claim),
    coalesce(sum(1 / share) FILTER (WHERE NOT fired), 0),
    coalesce(sum(1 / share) FILTER (WHERE NOT fired AND is_claim), 0)
FROM claim_lessons WHERE guild_id = %s
"""
_STALE: Final = (
    "SELECT guild_id, revision FROM claim_learning WHERE revision > learned ORDER BY guild_id LIMIT %s"
)
_LEARNED: Final = """
WITH learned AS (
    UPDATE claim_learning SET weights = %(weights)s, learned = revision
    WHERE guild_id = %(guild)s AND revision = %(revision)s RETURNING guild_id
)
SELECT pg_notify('claims_learned', guild_id::text) FROM learned
"""
_WEIGHTS: Final = """
SELECT guild_id, weights FROM claim_learning
WHERE weights <> '{}' AND (%(guild)s::bigint IS NULL OR guild_id = %(guild)s)
"""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the model said about one message.

    Args:
        features: What :meth:`wompcore.claims.Screen.features` returned for it.
        score: What the shipped screen gave it.
        fired: The screen as it was then fired.
        share: How likely a message that did not fire was to be checked at that moment, 0 to 1.
        is_claim: What the model said.
    """

    features: tuple[int, ...]
    score: float
    fired: bool
    share: float
    is_claim: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of a guild's lessons.

    Args:
        fired: Messages that fired and were checked.
        hits: Of these, claims.
        comparable_hits: Of these, those said while messages that did not fire could be checked too.
        explored: Messages that did not fire and were checked.
        misses: Of these, claims.
        stood_for: The messages that the explored ones stand for: each for 1 / its share.
        missed: The claims that the misses stand for.
    """

    fired: int
    hits: int
    comparable_hits: int
    explored: int
    misses: int
    stood_for: float
    missed: float


class LessonBook:
    """Keeps lessons and what was learned from them.

    A lesson is kept for people who consent, and what was learned goes with any lesson that goes.

    Args:
        db: The open database.

    Attributes:
        channel: Where NOTIFY tells whose learning changed; the payload is the guild's id.
    """

    channel: Final = "claims_learned"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(
        self,
        message_id: int,
        author_id: int,
        *,
        features: Sequence[int],
        score: float,
        fired: bool,
        share: float,
        is_claim: bool,
        told_on: str,
    ) -> bool:
        """Keep a lesson, of a message whose check was noted; see :class:`Lesson`.

        Args:
            message_id: The message.
            author_id: Who wrote it.
            features: Numbers that stand for its words.
            score: What the shipped screen gave it.
            fired: It fired.
            share: How likely a message that did not fire was to be checked, as long as its guild's day had
                room for that.
            is_claim: What the model said.
            told_on: The NOTIFY channel that tells of messages whose deletion matters.

        Returns:
            False when the author withdrew, or it was kept already.
        """
        values = {
            "message": message_id,
            "author": author_id,
            "features": list(features),
            "score": score,
            "fired": fired,
            "share": share,
            "is_claim": is_claim,
            "told_on": told_on,
        }
        return await self._db.fetch_one(_ADD, values) is not None

    async def of(self, guild_id: int) -> list[Lesson]:
        """Return a guild's lessons in the order the messages were said: the newest, of nobody too many."""
        values = {"guild": guild_id, "per_person": KEPT_PER_PERSON, "kept": KEPT}
        rows = await self._db.fetch_all(_OF, values)
        return [Lesson(tuple(features), *rest) for features, *rest in reversed(rows)]

    async def tally(self, guild_id: int) -> Tally:
        """Count a guild's lessons."""
        return Tally(*(await self._db.fetch_one(_COUNTED, [guild_id]) or ()))

    async def forget(self, *, before_id: int) -> int:
        """Remove lessons of messages older than a snowflake; return how many."""
        return await self._db.execute("DELETE FROM claim_lessons WHERE message_id < %s", [before_id])

    async def reset(self, guild_id: int) -> int:
        """Remove a guild's lessons, and with them what it learned; return how many there were."""
        return await self._db.execute("DELETE FROM claim_lessons WHERE guild_id = %s", [guild_id])

    async def stale(self, *, limit: int = 100) -> Sequence[tuple[int, int]]:
        """Return guilds whose lessons changed since they last learned, each with its lessons' revision."""
        return [(row[0], row[1]) for row in await self._db.fetch_all(_STALE, [limit])]

    async def learned(self, guild_id: int, revision: int, weights: Mapping[int, float]) -> bool:
        """Keep what a guild learned, unless its lessons changed meanwhile; tells all processes.

        Args:
            guild_id: Whose.
            revision: Of the lessons it was learned from, read before they were.
            weights: Log odds per feature; none for the shipped ones.
        """
        values = {"guild": guild_id, "revision": revision, "weights": Jsonb(dict(weights))}
        return await self._db.fetch_one(_LEARNED, values) is not None

    async def weights(self, guild_id: int | None = None) -> dict[int, dict[int, float]]:
        """Return what was learned by one guild, or by all that learned anything."""
        rows = await self._db.fetch_all(_WEIGHTS, {"guild": guild_id})
        return {guild: {int(key): weight for key, weight in kept.items()} for guild, kept in rows}
