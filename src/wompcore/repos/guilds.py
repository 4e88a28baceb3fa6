"""Settings and admins of guilds."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from wompcore.db import Database

CHANNEL = "guild_settings"
"""NOTIFY channel; the payload is the guild's id."""

_SETTINGS = """
SELECT guild_id, key, value FROM guild_settings WHERE %(guild)s::bigint IS NULL OR guild_id = %(guild)s
"""
_ADMINS = """
SELECT guild_id, person_id FROM guild_admins WHERE %(guild)s::bigint IS NULL OR guild_id = %(guild)s
"""
_SET = """
WITH changed AS (
    INSERT INTO guild_settings (guild_id, key, value, changed_by) VALUES (%s, %s, %s, %s)
    ON CONFLICT (guild_id, key) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by,
        changed_at = now()
    RETURNING guild_id
)
SELECT pg_notify('guild_settings', guild_id::text) FROM changed
"""
_TAKE_TURN = """
INSERT INTO guild_settings (guild_id, key, value) VALUES (0, %(what)s, to_jsonb(%(who)s::text))
ON CONFLICT (guild_id, key) DO UPDATE SET value = excluded.value, changed_at = now()
WHERE guild_settings.value = excluded.value
    OR guild_settings.changed_at < now() - make_interval(secs => %(most_s)s)
"""
_END_TURN = """
DELETE FROM guild_settings WHERE guild_id = 0 AND key = %(what)s AND value = to_jsonb(%(who)s::text)
"""
_ADD_ADMIN = """
WITH added AS (
    INSERT INTO guild_admins (guild_id, person_id, added_by) VALUES (%s, %s, %s)
    ON CONFLICT DO NOTHING RETURNING guild_id
)
SELECT pg_notify('guild_settings', guild_id::text) FROM added
"""
_REMOVE_ADMIN = """
WITH removed AS (DELETE FROM guild_admins WHERE guild_id = %s AND person_id = %s RETURNING guild_id)
SELECT pg_notify('guild_settings', guild_id::text) FROM removed
"""


class GuildRepository:
    """Reads and changes what a guild decided. Every change is told to all processes.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def settings(self, guild_id: int | None = None) -> dict[int, dict[str, Any]]:
        """Return the settings that differ from the defaults, of one guild or of all."""
        found: dict[int, dict[str, Any]] = {}
        for guild, key, value in await self._db.fetch_all(_SETTINGS, {"guild": guild_id}):
            found.setdefault(guild, {})[key] = value
        return found

    async def admins(self, guild_id: int | None = None) -> dict[int, set[int]]:
        """Return the bot admins, of one guild or of all."""
        found: dict[int, set[int]] = {}
        for guild, person in await self._db.fetch_all(_ADMINS, {"guild": guild_id}):
            found.setdefault(guild, set()).add(person)
        return found

    async def set(self, guild_id: int, key: str, value: Any, *, by_id: int) -> None:
        """Change one setting; ``value`` is anything that JSON holds."""
        await self._db.execute(_SET, (guild_id, key, Jsonb(value), by_id))

    async def take_turn(self, what: str, who: str, most_s: float) -> bool:
        """Take or keep the turn of doing something that one process at a time may do.

        Args:
            what: Names the thing.
            who: Names the process.
            most_s: Seconds after which a turn that was not kept is over, whoever has it.

        Returns:
            Whether it is our turn.
        """
        turn = {"what": what, "who": who, "most_s": most_s}
        return await self._db.execute(_TAKE_TURN, turn) > 0

    async def end_turn(self, what: str, who: str) -> None:
        """Let somebody else have the turn."""
        await self._db.execute(_END_TURN, {"what": what, "who": who})

    async def add_admin(self, guild_id: int, person_id: int, *, by_id: int) -> bool:
        """Appoint a bot admin; return whether they were not one already."""
        return await self._db.execute(_ADD_ADMIN, (guild_id, person_id, by_id)) > 0

    async def remove_admin(self, guild_id: int, person_id: int) -> bool:
        """Dismiss a bot admin; return whether they were one."""
        return await self._db.execute(_REMOVE_ADMIN, (guild_id, person_id)) > 0
