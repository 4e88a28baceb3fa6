"""Predictions whose day has come: for whoever asks how they turned out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from wompcore.db import Database

_DUE: Final = """
SELECT c.id, c.message_id, c.channel_id, c.author_id, c.text, c.horizon, c.due_on
FROM claims c JOIN people p ON p.id = c.author_id AND NOT p.opted_out
WHERE c.guild_id = %(guild)s AND c.due_on < %(on)s AND c.due_on IS NOT NULL
    AND c.deleted_at IS NULL AND c.ruling = 'unverified'
ORDER BY c.due_on, c.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class DueClaim:
    """A claim that can be told true or false now.

    Args:
        id: Its number.
        message_id: The message that carries it.
        channel_id: Where it was said.
        author_id: Who said so.
        text: The claim.
        horizon: What it said about its time.
        due_on: The last day on which it could come true.
    """

    id: int
    message_id: int
    channel_id: int
    author_id: int
    text: str
    horizon: str
    due_on: date


class DueClaims:
    """Finds claims whose day is over and that nobody ruled on.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def by(self, guild_id: int, on: date, *, limit: int = 10) -> list[DueClaim]:
        """Return a guild's due claims, the one that waits longest first.

        Args:
            guild_id: Where.
            on: The day it is there; claims that could come true until the day before are due.
            limit: Claims at most.
        """
        rows = await self._db.fetch_all(_DUE, {"guild": guild_id, "on": on, "limit": limit})
        return [DueClaim(*row) for row in rows]
