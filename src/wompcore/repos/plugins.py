"""Desired state of plugins: what every process converges to."""

from __future__ import annotations

from dataclasses import dataclass

from wompcore.db import Database

_ALL = "SELECT id, version, enabled, granted, reason FROM plugin_states ORDER BY id"
_SET = """
INSERT INTO plugin_states (id, version, enabled, granted, reason, changed_by)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, enabled = excluded.enabled,
    granted = excluded.granted, reason = excluded.reason, changed_by = excluded.changed_by,
    changed_at = now()
"""


@dataclass(frozen=True, slots=True)
class PluginWish:
    """What a plugin should be.

    Args:
        id: The plugin.
        version: The version that was loaded when this was decided.
        enabled: Whether it should be loaded.
        granted: Capabilities the owner granted beyond the ordinary ones.
        reason: Why it is not enabled, in one line.
    """

    id: str
    version: str
    enabled: bool
    granted: tuple[str, ...] = ()
    reason: str = ""


class PluginRepository:
    """Reads and changes the desired state.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def wishes(self) -> dict[str, PluginWish]:
        """Return the desired state of every plugin that was ever decided on."""
        rows = await self._db.fetch_all(_ALL)
        return {row[0]: PluginWish(row[0], row[1], row[2], tuple(row[3]), row[4]) for row in rows}

    async def wish(self, wish: PluginWish, *, by_id: int | None = None) -> None:
        """Decide what a plugin should be."""
        values = (wish.id, wish.version, wish.enabled, list(wish.granted), wish.reason, by_id)
        await self._db.execute(_SET, values)
