"""Hot takes: claims that a server argues about.

As with claims, whoever writes for a person locks that person's row first, so a withdrawal is always
before or after: what comes later is refused, what came before is erased by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from wompcore.db import Database, KnownIds, Listener
from wompcore.events import ChatMessage, ReactionTally
from wompcore.ids import snowflake_at
from wompcore.repos.hot_take_boards import HotTakeBoards

REPLIES_WITHIN: Final = timedelta(hours=1)
"""What is said in the channel for so long counts as replies (spec 04, section 5)."""

ASK_AGAIN_AFTER: Final = timedelta(minutes=15)
"""When a model that did not answer may be asked again."""

_MAKE: Final = """
WITH author AS (
    SELECT p.id FROM people p JOIN claims c ON c.author_id = p.id
    WHERE c.message_id = %(message)s AND c.deleted_at IS NULL AND NOT p.opted_out FOR SHARE OF p
), take AS (
    INSERT INTO hot_takes (message_id, guild_id, channel_id, author_id, made_at, by_hand, heat)
    SELECT c.message_id, c.guild_id, c.channel_id, c.author_id, %(at)s, false, %(heat)s
    FROM claims c JOIN author a ON a.id = c.author_id WHERE c.message_id = %(message)s
    ON CONFLICT (message_id) DO NOTHING RETURNING message_id
)
SELECT pg_notify(%(told_on)s, message_id::text) FROM take
"""
_MAKE_BY_HAND: Final = """
WITH author AS (
    INSERT INTO people AS p (id, name) VALUES (%(author)s, %(name)s)
    ON CONFLICT (id) DO UPDATE SET name = p.name RETURNING p.id, p.opted_out
), allowed AS (
    SELECT id FROM author WHERE NOT opted_out
), checked AS (
    INSERT INTO claim_checks (message_id, guild_id, author_id, text_hash, checked_at, outcome)
    SELECT %(message)s, %(guild)s, id, %(hash)s, %(said_at)s, 'by hand' FROM allowed
    ON CONFLICT (message_id) DO NOTHING
), claim AS (
    INSERT INTO claims (message_id, guild_id, channel_id, author_id, author_name, text, kind, confidence,
        said_at)
    SELECT %(message)s, %(guild)s, %(channel)s, id, %(name)s, %(text)s, 'opinion', 'certain', %(said_at)s
    FROM allowed ON CONFLICT (message_id) DO NOTHING RETURNING message_id
), take AS (
    INSERT INTO hot_takes (message_id, guild_id, channel_id, author_id, made_at, by_hand, heat, reactions)
    SELECT %(message)s, %(guild)s, %(channel)s, id, %(at)s, true, %(heat)s, %(reactions)s::jsonb
    FROM allowed ON CONFLICT (message_id) DO NOTHING RETURNING message_id
)
SELECT pg_notify('claims_tracked', message_id::text) FROM claim
UNION ALL SELECT pg_notify(%(told_on)s, message_id::text) FROM take
"""
_REPLIES: Final = """(
    SELECT count(*) FROM messages m WHERE m.channel_id = h.channel_id AND m.id > h.message_id
        AND m.id <= h.message_id + %(hour)s AND NOT m.is_bot AND m.author_id <> h.author_id)"""
_WANTED: Final = "h.controversy IS NULL AND (h.reaction_count >= 5 OR h.replies >= 3)"
# Rows are locked in order, so that processes that count the same messages wait for one another.
_COUNT: Final = f"""
WITH changes AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(changes)s::json)
        AS r (id bigint, counts jsonb, without text[], plus jsonb)
), locked AS (
    SELECT message_id FROM hot_takes WHERE message_id = ANY(%(ids)s::bigint[]) ORDER BY 1 FOR UPDATE
)
UPDATE hot_takes h SET replies = {_REPLIES}, reactions = (
    SELECT coalesce(jsonb_object_agg(emoji, n), '{{}}') FROM (
        SELECT emoji, sum(n) AS n FROM (
            SELECT key AS emoji, value::integer AS n
            FROM jsonb_each_text(coalesce(r.counts, h.reactions) - r.without)
            UNION ALL SELECT key, value::integer FROM jsonb_each_text(r.plus)
        ) AS parts GROUP BY emoji HAVING sum(n) > 0
    ) AS kinds)
FROM changes r JOIN locked l ON l.message_id = r.id WHERE h.message_id = r.id
RETURNING h.message_id, {_WANTED}
"""
_END_HOURS: Final = f"""
WITH over AS (
    SELECT message_id FROM hot_takes WHERE NOT hour_is_over AND message_id <= %(before)s
    ORDER BY message_id LIMIT 500 FOR UPDATE
)
UPDATE hot_takes h SET hour_is_over = true, replies = {_REPLIES}
FROM over WHERE h.message_id = over.message_id RETURNING h.message_id, {_WANTED}
"""
_BEGIN_ASKING: Final = f"""
UPDATE hot_takes h SET asked_at = now() FROM claims c, people p
WHERE h.message_id = %(message)s AND c.message_id = h.message_id AND p.id = h.author_id
    AND {_WANTED} AND (h.asked_at IS NULL OR h.asked_at < now() - %(again)s)
    AND c.deleted_at IS NULL AND NOT p.opted_out
RETURNING h.message_id, h.guild_id, h.channel_id, h.author_id, c.author_name, c.text
"""
_RATE: Final = "UPDATE hot_takes SET controversy = %s WHERE message_id = %s AND controversy IS NULL"
_PACKED: Final = """
SELECT string_agg(int8send(message_id), '' ORDER BY message_id)
FROM (SELECT message_id FROM hot_takes ORDER BY message_id DESC LIMIT %s) AS newest
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A hot take that the model is asked about.

    Args:
        message_id: The message that carries it.
        guild_id: Where.
        channel_id: Where.
        author_id: Who said so.
        author_name: The author's name.
        text: What was said.
    """

    message_id: int
    guild_id: int
    channel_id: int
    author_id: int
    author_name: str
    text: str


class HotTakeRepository:
    """Stores and counts hot takes.

    Args:
        db: The open database.

    Attributes:
        boards: Ranks them and takes rulings.
        channel: Where NOTIFY tells of messages that are hot takes now; the payload is the id.
    """

    channel: Final = "hot_takes_tracked"

    def __init__(self, db: Database) -> None:
        self._db = db
        self.boards = HotTakeBoards(db)

    async def make(self, message_id: int, *, heat: float, at: datetime) -> bool:
        """Make a stored claim a hot take.

        Returns:
            False when it is one already, the claim is gone, or its author withdrew.
        """
        values = {"message": message_id, "heat": heat, "at": at, "told_on": self.channel}
        return await self._db.fetch_one(_MAKE, values) is not None

    async def make_by_hand(
        self, message: ChatMessage, *, text: str, heat: float, reactions: Mapping[str, int], at: datetime
    ) -> bool:
        """Make any message a hot take, and a claim if it is none, in one statement.

        Returns:
            False when it is one already, or its author withdrew.
        """
        values = {
            "message": message.id,
            "guild": message.guild_id,
            "channel": message.channel_id,
            "author": message.author_id,
            "name": message.author_name,
            "text": text,
            "hash": blake2b(" ".join(message.text.split()).encode(), digest_size=16).digest(),
            "said_at": message.at,
            "heat": heat,
            "reactions": json.dumps(dict(reactions)),
            "at": at,
            "told_on": self.channel,
        }
        return bool(await self._db.fetch_all(_MAKE_BY_HAND, values))

    async def count(self, changes: Mapping[int, ReactionTally]) -> list[int]:
        """Count reactions, and replies anew, of any number of messages in one statement.

        Args:
            changes: How they changed, by message; messages that are no hot takes do not count.

        Returns:
            The messages that the model should be asked about.
        """
        rows = [
            {"id": id_, "counts": each.counts, "without": sorted(each.without), "plus": each.plus}
            for id_, each in changes.items()
        ]
        values = {"ids": list(changes), "changes": json.dumps(rows), "hour": _HOUR}
        return self._wanted(await self._db.fetch_all(_COUNT, values))

    async def end_hours(self, now: datetime) -> list[int]:
        """Count the replies of up to 500 hot takes whose hour is over; see :meth:`count`."""
        values = {"before": snowflake_at(now - REPLIES_WITHIN), "hour": _HOUR}
        return self._wanted(await self._db.fetch_all(_END_HOURS, values))

    async def begin_asking(self, message_id: int) -> Asked | None:
        """Note that the model is about to be asked, before anything is paid.

        Returns:
            What to ask about; ``None`` when it was asked, is not argued about enough, or its author withdrew.
        """
        values = {"message": message_id, "again": ASK_AGAIN_AFTER}
        row = await self._db.fetch_one(_BEGIN_ASKING, values)
        return None if row is None else Asked(*row)

    async def rate(self, message_id: int, controversy: float) -> None:
        """Record what the model said, 0 to 10."""
        await self._db.execute(_RATE, (controversy, message_id))

    async def known(self, listener: Listener) -> KnownIds:
        """Return the messages that are hot takes, known from now on in this process."""
        return await KnownIds.follow(listener, self.channel, self._packed)

    @staticmethod
    def _wanted(rows: Iterable[tuple[int, bool]]) -> list[int]:
        return [message_id for message_id, wanted in rows if wanted]

    async def _packed(self, limit: int) -> bytes:
        return bytes(await self._db.fetch_value(_PACKED, (limit,)) or b"")


_HOUR: Final = snowflake_at(datetime.fromisoformat("2015-01-01T00:00:00+00:00") + REPLIES_WITHIN)
