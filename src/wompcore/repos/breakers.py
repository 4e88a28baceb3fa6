"""Breakers that processes share. The database's clock decides, so no two machines need agree on the time."""

from __future__ import annotations

import json

from wompcore.db import Database

CHANNEL = "breakers"
"""NOTIFY channel; the payload is JSON: address, model and the seconds it is open, ``null`` for closed."""

_OPEN = """
WITH changed AS (
    INSERT INTO breakers (provider, model, open_until) VALUES (%s, %s, now() + %s * interval '1 second')
    ON CONFLICT (provider, model) DO UPDATE SET open_until = excluded.open_until, probed_until = '-infinity'
    RETURNING 1
)
SELECT pg_notify(%s, %s) FROM changed
"""
_CLOSE = """
WITH changed AS (DELETE FROM breakers WHERE provider = %s AND model = %s RETURNING 1)
SELECT pg_notify(%s, %s) FROM changed
"""
# No row: another process has closed it, so there is nothing to probe and everybody may pass.
_CLAIM = """
WITH claimed AS (
    UPDATE breakers SET probed_until = now() + %s * interval '1 second'
    WHERE provider = %s AND model = %s AND open_until <= now() AND probed_until <= now()
    RETURNING 1
)
SELECT EXISTS (TABLE claimed) OR NOT EXISTS (SELECT FROM breakers WHERE provider = %s AND model = %s)
"""
_GIVE_BACK = "UPDATE breakers SET probed_until = '-infinity' WHERE provider = %s AND model = %s"
_NOT_CLOSED = """
SELECT provider, model, greatest(0, extract(epoch FROM open_until - now()))::float FROM breakers ORDER BY 1, 2
"""


class BreakerRepository:
    """Tells every process when a breaker opens or closes, and lets one of them probe.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def open(self, address: str, model: str, open_s: float) -> None:
        """Open it for everybody, for so many seconds."""
        payload = json.dumps([address, model, open_s])
        await self._db.execute(_OPEN, (address, model, open_s, CHANNEL, payload))

    async def close(self, address: str, model: str) -> None:
        """Close it for everybody."""
        await self._db.execute(_CLOSE, (address, model, CHANNEL, json.dumps([address, model, None])))

    async def claim_probe(self, address: str, model: str, hold_s: float) -> bool:
        """Return whether the caller may send a request; nobody else may for ``hold_s`` seconds."""
        values = (hold_s, address, model, address, model)
        return bool(await self._db.fetch_value(_CLAIM, values))

    async def give_back(self, address: str, model: str) -> None:
        """End a probe that showed nothing."""
        await self._db.execute(_GIVE_BACK, (address, model))

    async def not_closed(self) -> list[tuple[str, str, float]]:
        """Return address, model and seconds left of each; 0 for one that waits for its probe."""
        rows = await self._db.fetch_all(_NOT_CLOSED)
        return [(address, model, open_s) for address, model, open_s in rows]
