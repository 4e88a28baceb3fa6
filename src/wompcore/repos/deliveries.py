"""The outbox's rows."""

from __future__ import annotations

from dataclasses import dataclass

from wompcore.db import Database

_ADD = """
INSERT INTO deliveries (key, channel_id, text, person_id) VALUES (%s, %s, %s, %s) ON CONFLICT (key) DO NOTHING
"""
_BEGIN = """
UPDATE deliveries d SET state = 'doubtful', attempts = d.attempts + 1
FROM (SELECT key, state FROM deliveries WHERE key = %s AND state IN ('pending', 'doubtful') FOR UPDATE) AS was
WHERE d.key = was.key
RETURNING d.key, d.channel_id, d.person_id, d.text, d.attempts, was.state = 'doubtful'
"""
_SENT = "UPDATE deliveries SET state = 'sent', message_id = %s, error = '', settled_at = now() WHERE key = %s"
_TROUBLE = "UPDATE deliveries SET error = %s WHERE key = %s"
_GIVEN_UP = "UPDATE deliveries SET error = %s, state = 'failed', settled_at = now() WHERE key = %s"
_OPEN = "SELECT key FROM deliveries WHERE state IN ('pending', 'doubtful') ORDER BY created_at LIMIT 500"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that is being made.

    Args:
        key: Its key.
        channel_id: Where it goes; ``None`` for the person's direct messages.
        person_id: Whom it is for.
        text: What it says.
        attempts: How often it was begun, this time included.
        doubtful: It was begun before and not settled, so it may have been sent.
    """

    key: str
    channel_id: int | None
    person_id: int | None
    text: str
    attempts: int
    doubtful: bool


class DeliveryRepository:
    """Keeps deliveries: pending, doubtful while a send is going on, then sent or failed.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, key: str, channel_id: int | None, text: str, person_id: int | None = None) -> bool:
        """Keep a delivery; return whether its key is new."""
        return await self._db.execute(_ADD, (key, channel_id, text, person_id)) == 1

    async def begin(self, key: str) -> Delivery | None:
        """Count an attempt and mark the delivery doubtful; ``None`` when it is settled or unknown."""
        row = await self._db.fetch_one(_BEGIN, (key,))
        return Delivery(*row) if row else None

    async def sent(self, key: str, message_id: int) -> None:
        """Note that it has arrived."""
        await self._db.execute(_SENT, (message_id, key))

    async def failed(self, key: str, error: str, *, final: bool) -> None:
        """Note what went wrong, and whether it is given up."""
        await self._db.execute(_GIVEN_UP if final else _TROUBLE, (error, key))

    async def open_keys(self) -> list[str]:
        """Return the deliveries that have neither arrived nor been given up, oldest first."""
        return [key for (key,) in await self._db.fetch_all(_OPEN)]
