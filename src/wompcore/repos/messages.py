"""The message store's statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wompcore.db import Database
from wompcore.events import ChatMessage, Gap, MessageEdited
from wompcore.repos.refused import refusals

# One statement stores a batch. The people's rows come first: the upsert locks them and returns their
# newest state, so whoever withdrew before this lock is joined out, and whoever withdraws after it
# waits and blanks what was stored. Counters count only rows that are really new.
_STORE = """
WITH batch AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json) AS r (id bigint, channel_id bigint, author_id bigint,
        guild_id bigint, reply_to_id bigint, author_name text, text text, is_bot boolean, is_own boolean)
), authors AS (
    INSERT INTO people AS p (id, name, is_bot)
    SELECT DISTINCT ON (author_id) author_id, author_name, is_bot FROM batch ORDER BY author_id, id DESC
    ON CONFLICT (id) DO UPDATE SET
        name = CASE WHEN p.opted_out THEN p.name ELSE excluded.name END, is_bot = excluded.is_bot
    RETURNING p.id, p.opted_out
), stored AS (
    INSERT INTO messages (id, channel_id, author_id, guild_id, reply_to_id, author_name, text, is_bot)
    SELECT b.id, channel_id, author_id, guild_id, reply_to_id, author_name, text, is_bot
    FROM batch b JOIN authors a ON a.id = b.author_id WHERE NOT a.opted_out ORDER BY b.id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, author_id, coalesce(guild_id, 0) AS guild_id,
        to_timestamp(((id >> 22) + 1420070400000) / 1000.0) AS at
), counted AS (
    INSERT INTO person_guilds AS g (guild_id, person_id, messages, first_seen_at, last_seen_at)
    SELECT guild_id, author_id, count(*), min(at), max(at) FROM stored GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (guild_id, person_id) DO UPDATE SET messages = g.messages + excluded.messages,
        first_seen_at = least(g.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(g.last_seen_at, excluded.last_seen_at)
)
SELECT
    (SELECT count(DISTINCT s.id) FROM stored s JOIN batch b ON b.id = s.id WHERE NOT b.is_own),
    (SELECT count(*) FROM batch b JOIN authors a ON a.id = b.author_id WHERE a.opted_out),
    (SELECT count(*) FROM batch WHERE is_own)
"""
_EDIT = """
WITH edits AS (
    SELECT * FROM json_to_recordset(%s::json) AS r (id bigint, text text, edited_at timestamptz)
), authors AS (
    SELECT p.id FROM people p WHERE NOT p.opted_out
        AND p.id IN (SELECT m.author_id FROM messages m JOIN edits e ON e.id = m.id)
    ORDER BY p.id FOR SHARE
)
UPDATE messages m SET text = e.text, edited_at = e.edited_at
FROM edits e JOIN authors a ON true
WHERE m.id = e.id AND m.author_id = a.id AND m.text <> e.text
"""
_DELETE = "DELETE FROM messages WHERE id = ANY(%s::bigint[])"
_PARK = """
INSERT INTO parked_messages (person_id, reason, payload)
SELECT %(person)s, %(reason)s, %(payload)s
WHERE NOT EXISTS (SELECT FROM people WHERE id = %(person)s AND opted_out)
"""
_LAST = """
SELECT c.id, coalesce(
    (SELECT max(m.id) FROM messages m WHERE m.channel_id = c.id AND m.id < %(before)s),
    (SELECT min(m.id) FROM messages m WHERE m.channel_id = c.id))
FROM unnest(%(channels)s::bigint[]) AS c (id)
"""
_GAPS = "SELECT channel_id, after_id, before_id FROM channel_gaps ORDER BY channel_id, after_id"
_NOTE_GAPS = """
INSERT INTO channel_gaps (channel_id, after_id, before_id)
SELECT * FROM json_to_recordset(%s::json) AS r (channel_id bigint, after_id bigint, before_id bigint)
ON CONFLICT (channel_id, after_id) DO UPDATE SET before_id = excluded.before_id
"""
_CLOSE_GAP = "DELETE FROM channel_gaps WHERE channel_id = %s AND after_id = %s"


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of a batch.

    Args:
        stored: Messages newly written, this bot's own not counted.
        already: Messages that were there already, this bot's own not counted.
        opted_out: Messages left out because their author withdrew.
    """

    stored: int
    already: int
    opted_out: int


def _row(message: ChatMessage) -> dict[str, object]:
    return {
        "id": message.id,
        "channel_id": message.channel_id,
        "author_id": message.author_id,
        "guild_id": message.guild_id,
        "reply_to_id": message.reply_to_id,
        "author_name": message.author_name,
        "text": message.text,
        "is_bot": message.is_bot,
        "is_own": message.is_own,
    }


class MessageRepository:
    """Stores, changes and finds messages.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def store(self, batch: Sequence[ChatMessage]) -> StoredBatch:
        """Write a batch in one statement; a message that is there already stays as it is.

        Raises:
            RowsRefused: At least one row's data is refused; nothing was written.
        """
        with refusals():
            row = await self._db.fetch_one(_STORE, (json.dumps([_row(message) for message in batch]),))
        assert row is not None  # a SELECT of scalar sub-queries always gives one row
        stored, opted_out, own = row
        return StoredBatch(stored, len(batch) - own - stored - opted_out, opted_out)

    async def park(self, message: ChatMessage, reason: str) -> None:
        """Keep a refused message where it harms nobody, for the operator to look at."""
        values = {"person": message.author_id, "reason": reason, "payload": json.dumps(_row(message))}
        await self._db.execute(_PARK, values)

    async def edit(self, edits: Sequence[MessageEdited]) -> None:
        """Update stored texts; messages of people who withdrew stay blank."""
        rows = [{"id": e.id, "text": e.text, "edited_at": e.edited_at.isoformat()} for e in edits]
        with refusals():
            await self._db.execute(_EDIT, (json.dumps(rows),))

    async def delete(self, ids: Iterable[int]) -> None:
        """Remove messages."""
        with refusals():
            await self._db.execute(_DELETE, (list(ids),))

    async def last_ids(self, channel_ids: Sequence[int], *, before_id: int) -> dict[int, int | None]:
        """Return each channel's last message stored before an id, else its first one, else ``None``."""
        values = {"channels": list(channel_ids), "before": before_id}
        return dict(await self._db.fetch_all(_LAST, values))

    async def gaps(self) -> list[Gap]:
        """Return the gaps noted so far."""
        return [Gap(*row) for row in await self._db.fetch_all(_GAPS)]

    async def note_gaps(self, gaps: Iterable[Gap]) -> None:
        """Remember gaps until they are filled."""
        rows = [{"channel_id": g.channel_id, "after_id": g.after_id, "before_id": g.before_id} for g in gaps]
        await self._db.execute(_NOTE_GAPS, (json.dumps(rows),))

    async def close_gap(self, gap: Gap) -> None:
        """Forget a gap that was filled."""
        await self._db.execute(_CLOSE_GAP, (gap.channel_id, gap.after_id))
