"""Reading stored messages back."""

from __future__ import annotations

from typing import NamedTuple

from wompcore.db import Database

SEARCHED = 10_000
"""A search looks at so many of a guild's newest messages. An index of words over all messages would
cost every message that comes in; the newest are found through the guild's own index."""

_COLUMNS = "m.id, m.channel_id, m.author_id, m.author_name, m.text"
_RECENT = f"""
SELECT {_COLUMNS} FROM messages m JOIN people p ON p.id = m.author_id AND NOT p.opted_out
WHERE m.channel_id = %(channel)s AND m.text <> ''
ORDER BY m.id DESC LIMIT %(limit)s
"""
_SEARCH = f"""
WITH newest AS MATERIALIZED (
    SELECT {_COLUMNS} FROM messages m
    WHERE m.guild_id = %(guild)s AND m.text <> '' ORDER BY m.id DESC LIMIT %(searched)s
), found AS MATERIALIZED (
    SELECT m.* FROM newest m
    WHERE to_tsvector('simple', m.text) @@ websearch_to_tsquery('simple', %(words)s)
    ORDER BY m.id DESC LIMIT %(limit)s
)
SELECT {_COLUMNS} FROM found m
WHERE NOT EXISTS (SELECT FROM people p WHERE p.id = m.author_id AND p.opted_out)
ORDER BY m.id DESC
"""


class RecalledRow(NamedTuple):
    """A stored message."""

    id: int
    channel_id: int
    author_id: int
    author_name: str
    text: str


class RecallRepository:
    """Finds stored messages of people who did not withdraw.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def recent(self, channel_id: int, limit: int) -> list[RecalledRow]:
        """Return a channel's newest messages, the newest first."""
        rows = await self._db.fetch_all(_RECENT, {"channel": channel_id, "limit": limit})
        return [RecalledRow(*row) for row in rows]

    async def search(self, words: str, guild_id: int, limit: int) -> list[RecalledRow]:
        """Return messages with all of some words among a guild's newest, the newest first."""
        values = {"guild": guild_id, "words": words, "searched": SEARCHED, "limit": limit}
        return [RecalledRow(*row) for row in await self._db.fetch_all(_SEARCH, values)]
