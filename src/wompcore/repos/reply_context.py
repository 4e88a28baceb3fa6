"""Everything a reply needs to know, in one round trip: a read model over several tables."""

from __future__ import annotations

from dataclasses import dataclass

from wompcore.db import Database

_DAY = 86_400_000 << 22  # as a difference of snowflakes

# People who withdrew are in nobody's prompt, and the message being answered is no part of its history.
# That it was answered before (its event came twice) shows in the ledger; entries carry their time in
# their ids, so only the month's partition is searched, with a day's room for clocks that differ.
_CONTEXT = """
SELECT
    EXISTS (
        SELECT FROM cost_entries
        WHERE message_id = %(message)s AND id >= %(earliest)s AND purpose = 'chat' AND outcome = 'ok'
    ),
    coalesce((
        SELECT json_agg(json_build_array(h.id, h.author_id, h.author_name, h.text, h.is_bot) ORDER BY h.id)
        FROM (
            SELECT m.id, m.author_id, m.author_name, m.text, m.is_bot
            FROM messages m JOIN people p ON p.id = m.author_id AND NOT p.opted_out
            WHERE m.channel_id = %(channel)s AND m.id < %(message)s AND m.id >= %(since)s AND m.text <> ''
            ORDER BY m.id DESC LIMIT %(limit)s
        ) AS h
    ), '[]'::json)
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of history."""

    id: int
    author_id: int
    author_name: str
    text: str
    is_bot: bool


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """What is known before a reply.

    Args:
        answered: The message was answered before.
        history: The channel's last messages, oldest first.
    """

    answered: bool
    history: tuple[Line, ...]


class ReplyContexts:
    """Reads what a reply needs.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, *, channel_id: int, message_id: int, since_id: int, limit: int = 50) -> ReplyContext:
        """Return the context of a reply.

        Args:
            channel_id: Where the answer goes.
            message_id: The message to answer.
            since_id: History starts here, a snowflake; bounds the partitions that are read.
            limit: Messages of history at most.
        """
        values = {
            "channel": channel_id,
            "message": message_id,
            "earliest": message_id - _DAY,
            "since": since_id,
            "limit": limit,
        }
        row = await self._db.fetch_one(_CONTEXT, values)
        assert row is not None  # a SELECT without FROM always gives one row
        return ReplyContext(row[0], tuple(Line(*line) for line in row[1]))
