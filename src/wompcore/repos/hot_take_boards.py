"""Hot takes as members see them: who leads, and what time made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from wompcore.db import Database
from wompcore.errors import HotTakeUnknown, RulingRefused

Board = Literal["controversial", "vindicated", "worst", "community", "combined"]
Outcome = Literal["pending", "won", "lost", "mixed"]
"""What can become of a hot take; ``pending`` takes a ruling back."""

BOARDS: Final[tuple[Board, ...]] = get_args(Board)
"""The leaderboards."""

# How well it has aged, 0 to 10; unruled, it counts as the middle (spec 04, section 5).
_AGE: Final = "CASE h.outcome WHEN 'won' THEN 10 WHEN 'lost' THEN 0 ELSE 5 END"
_COLUMNS: Final = """h.id, h.guild_id, h.channel_id, h.message_id, h.author_id, c.author_name, c.text,
    h.made_at, h.by_hand, h.controversy, h.community, h.reaction_count, h.replies, h.outcome, h.ruled_by,
    h.ruling_notes"""
_SHOWN: Final = """FROM hot_takes h JOIN claims c ON c.message_id = h.message_id AND c.deleted_at IS NULL
    WHERE h.guild_id = %(guild)s"""
_RANKED: Final[dict[Board, tuple[str, str]]] = {
    "controversial": ("h.controversy > 0", "h.controversy"),
    "vindicated": ("h.outcome = 'won'", "coalesce(h.controversy, h.community)"),
    "worst": ("h.outcome = 'lost'", "coalesce(h.controversy, h.community)"),
    "community": ("h.community > 0", "h.community"),
    "combined": ("h.controversy IS NOT NULL", f"h.controversy * {_AGE}"),
}
_OWN: Final = f"""
SELECT count(*), avg(h.controversy), avg(h.community),
    count(*) FILTER (WHERE h.outcome = 'won'), count(*) FILTER (WHERE h.outcome = 'lost'),
    count(*) FILTER (WHERE h.outcome = 'mixed')
{_SHOWN} AND h.author_id = %(person)s
"""
_SPICIEST: Final = f"""
SELECT {_COLUMNS} {_SHOWN} AND h.author_id = %(person)s
ORDER BY h.controversy DESC NULLS LAST, h.community DESC, h.id DESC LIMIT 1
"""
_BY_ID: Final = f"SELECT {_COLUMNS} {_SHOWN} AND h.id = %(id)s"
_RULE: Final = f"""
UPDATE hot_takes h SET outcome = %(outcome)s, ruled_by = %(by)s, ruled_at = %(at)s, ruling_notes = %(notes)s
FROM claims c WHERE c.message_id = h.message_id AND c.deleted_at IS NULL
    AND h.guild_id = %(guild)s AND h.id = %(id)s AND h.author_id <> %(by)s
RETURNING {_COLUMNS}
"""


@dataclass(frozen=True, slots=True)
class HotTake:
    """A hot take on record.

    Args:
        id: Its number, shown as ``#id``.
        guild_id: Where.
        channel_id: Where.
        message_id: The message that carries it.
        author_id: Who said so.
        author_name: The author's name then.
        text: What was said.
        made_at: When it became one.
        by_hand: People made it one.
        controversy: What the model says, 0 to 10; ``None`` when it was not asked.
        community: What the server says, 0 to 10.
        reactions: How many there are.
        replies: What others said within an hour.
        outcome: What became of it.
        ruled_by: Who ruled.
        notes: Why.
    """

    id: int
    guild_id: int
    channel_id: int
    message_id: int
    author_id: int
    author_name: str
    text: str
    made_at: datetime
    by_hand: bool
    controversy: float | None
    community: float
    reactions: int
    replies: int
    outcome: Outcome
    ruled_by: int | None
    notes: str


@dataclass(frozen=True, slots=True)
class OwnTakes:
    """A person's hot takes in a guild.

    Args:
        total: How many.
        controversy: The mean of those rated, 0 to 10; ``None`` when there are none.
        community: The mean, 0 to 10.
        won: How many came true.
        lost: How many did not.
        mixed: How many did in part.
        spiciest: The most controversial one.
    """

    total: int
    controversy: float | None
    community: float
    won: int
    lost: int
    mixed: int
    spiciest: HotTake

    @property
    def win_rate(self) -> float | None:
        """Of those that were ruled won or lost, the share that was won."""
        ruled = self.won + self.lost
        return self.won / ruled if ruled else None


class HotTakeBoards:
    """Ranks hot takes and takes rulings. Those deleted are never shown; a withdrawal erases them.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def top(
        self, guild_id: int, board: Board, *, since: datetime, limit: int = 10, skip: int = 0
    ) -> list[HotTake]:
        """Return a guild's leaderboard, the first first.

        Args:
            guild_id: Where.
            board: By what: what the model says, those that won, those that lost, what the server
                says, or controversy times age.
            since: Only those made since then.
            limit: Hot takes at most.
            skip: How many lead the first one.
        """
        fits, score = _RANKED[board]
        rows = await self._db.fetch_all(
            f"SELECT {_COLUMNS} {_SHOWN} AND h.made_at >= %(since)s AND {fits}"
            f" ORDER BY {score} DESC, h.id DESC LIMIT %(limit)s OFFSET %(skip)s",
            {"guild": guild_id, "since": since, "limit": limit, "skip": skip},
        )
        return [HotTake(*row) for row in rows]

    async def of_person(self, guild_id: int, person_id: int) -> OwnTakes | None:
        """Return how a person's hot takes do; ``None`` when there are none."""
        values = {"guild": guild_id, "person": person_id}
        spiciest = await self._db.fetch_one(_SPICIEST, values)
        counted = await self._db.fetch_one(_OWN, values)
        if spiciest is None or counted is None:
            return None
        total, controversy, community, won, lost, mixed = counted
        return OwnTakes(total, controversy, community, won, lost, mixed, HotTake(*spiciest))

    async def rule(
        self, guild_id: int, take_id: int, outcome: Outcome, *, by_id: int, at: datetime, notes: str = ""
    ) -> HotTake:
        """Record what became of a hot take, and who says so.

        Raises:
            HotTakeUnknown: There is no such one in the guild.
            RulingRefused: It is the ruler's own.
        """
        values = {"guild": guild_id, "id": take_id, "outcome": outcome, "by": by_id, "at": at, "notes": notes}
        row = await self._db.fetch_one(_RULE, values)
        if row is not None:
            return HotTake(*row)
        if await self._db.fetch_one(_BY_ID, values) is None:
            raise HotTakeUnknown(f"there is no hot take #{take_id} here")
        raise RulingRefused("Nobody rules on a hot take of their own.")
