"""The outbox's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wompcore.db import Database

_ADD = """
INSERT INTO deliveries (key, channel_id, text, person_id, topic, else_to) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (key) DO NOTHING
"""
_BEGIN = """
UPDATE deliveries d SET state = 'doubtful', attempts = d.attempts + 1
FROM (SELECT key, state FROM deliveries WHERE key = %s AND state IN ('pending', 'doubtful') FOR UPDATE) AS was
WHERE d.key = was.key
RETURNING d.key, d.channel_id, d.person_id, d.text, d.attempts, was.state = 'doubtful', d.topic, d.else_to
"""
_SENT = "UPDATE deliveries SET state = 'sent', message_id = %s, error = '', settled_at = now() WHERE key = %s"
_TROUBLE = "UPDATE deliveries SET error = %s WHERE key = %s"
_GIVEN_UP = "UPDATE deliveries SET error = %s, state = 'failed', settled_at = now() WHERE key = %s"
_ELSEWHERE = """
WITH refused AS (
    UPDATE deliveries SET error = %(error)s, state = 'failed', settled_at = now()
    WHERE key = %(key)s RETURNING key, text, topic, else_to
)
INSERT INTO deliveries (key, person_id, text, topic)
SELECT refused.key || ':' || person, person, text, topic FROM refused, unnest(else_to) AS person
ON CONFLICT (key) DO NOTHING RETURNING key
"""
_HEARD = "SELECT EXISTS (SELECT FROM deliveries WHERE topic = %s AND state = 'sent')"
_UNTOLD = """
SELECT DISTINCT ON (topic) topic, text, error, created_at FROM deliveries AS d
WHERE topic IS NOT NULL AND error <> '' AND created_at > now() - interval '30 days' AND NOT EXISTS (
    SELECT FROM deliveries AS o WHERE o.topic = d.topic AND o.state = 'sent')
ORDER BY topic, key DESC
"""
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
        topic: What others of the same topic say too.
        else_to: People who are told instead when it is refused.
    """

    key: str
    channel_id: int | None
    person_id: int | None
    text: str
    attempts: int
    doubtful: bool
    topic: str | None
    else_to: list[int]


@dataclass(frozen=True, slots=True)
class Untold:
    """What nobody has heard, though it was tried.

    Args:
        topic: Names it.
        text: What it says.
        error: Why nobody has heard it.
        since: When it was posted.
    """

    topic: str
    text: str
    error: str
    since: datetime


class DeliveryRepository:
    """Keeps deliveries: pending, doubtful while a send is going on, then sent or failed.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(
        self,
        key: str,
        channel_id: int | None,
        text: str,
        person_id: int | None = None,
        topic: str | None = None,
        else_to: Sequence[int] = (),
    ) -> bool:
        """Keep a delivery; return whether its key is new."""
        values = (key, channel_id, text, person_id, topic, list(else_to))
        return await self._db.execute(_ADD, values) == 1

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

    async def elsewhere(self, key: str, error: str) -> list[str]:
        """Give a delivery up and keep one to each of those who are told instead; return their keys."""
        return [new for (new,) in await self._db.fetch_all(_ELSEWHERE, {"key": key, "error": error})]

    async def heard(self, topic: str) -> bool:
        """Return whether a delivery of a topic has arrived."""
        return bool(await self._db.fetch_value(_HEARD, (topic,)))

    async def untold(self) -> list[Untold]:
        """Return the topics of the last 30 days that were tried and that nobody has heard."""
        return [Untold(*row) for row in await self._db.fetch_all(_UNTOLD)]

    async def open_keys(self) -> list[str]:
        """Return the deliveries that have neither arrived nor been given up, oldest first."""
        return [key for (key,) in await self._db.fetch_all(_OPEN)]
