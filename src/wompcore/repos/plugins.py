"""Desired state of plugins, which every process follows; what each runs; who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from wompcore.db import Database

CHANNEL = "plugin_states"
"""NOTIFY channel; the payload is the plugin's id."""

_ALL = """
SELECT id, version, enabled, granted, reason, quarantined, trips, retry_at, generation, by_hand
FROM plugin_states ORDER BY id
"""
_SET = """
WITH changed AS (
    INSERT INTO plugin_states
        (id, version, enabled, granted, reason, quarantined, trips, retry_at, generation, by_hand, changed_by)
    VALUES (%(id)s, %(version)s, %(enabled)s, %(granted)s, %(reason)s, %(quarantined)s, %(trips)s,
            %(retry_at)s, %(loads)s, %(by_hand)s, %(by_id)s)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, enabled = excluded.enabled,
        granted = excluded.granted, reason = excluded.reason, quarantined = excluded.quarantined,
        trips = excluded.trips, retry_at = excluded.retry_at,
        generation = plugin_states.generation + excluded.generation, by_hand = excluded.by_hand,
        changed_by = excluded.changed_by, changed_at = now()
    RETURNING id, generation
)
SELECT generation, pg_notify('plugin_states', id) FROM changed
"""
_REPORT = """
INSERT INTO plugin_processes (process, runs) VALUES (%s, %s)
ON CONFLICT (process) DO UPDATE SET runs = excluded.runs, beat_at = now()
"""
_FORGET = "DELETE FROM plugin_processes WHERE process = %s OR beat_at < now() - interval '1 day'"
_PROCESSES = """
SELECT process, started_at, beat_at, runs FROM plugin_processes
WHERE beat_at > now() - make_interval(secs => %s) ORDER BY process
"""
_NOTE = "INSERT INTO plugin_changes (verb, plugin, by_id, via, outcome) VALUES (%s, %s, %s, %s, %s)"
_CHANGES = "SELECT at, verb, plugin, by_id, via, outcome FROM plugin_changes ORDER BY id DESC LIMIT %s"


@dataclass(frozen=True, slots=True)
class PluginWish:
    """What a plugin should be.

    Args:
        id: The plugin.
        version: The version that was loaded when this was decided.
        enabled: Whether it should be loaded.
        granted: Capabilities the owner granted beyond the ordinary ones.
        reason: Why it is not to run, in one line.
        quarantined: Whether it was taken out.
        trips: How often in a row it was taken out.
        retry_at: When a plugin in quarantine is tried again; ``None``: when it is released by hand.
        generation: How often it was loaded by decision; a higher one means a newer version.
        by_hand: Whether the owner loaded it, so that it runs whatever the list in the settings says.
    """

    id: str
    version: str
    enabled: bool
    granted: tuple[str, ...] = ()
    reason: str = ""
    quarantined: bool = False
    trips: int = 0
    retry_at: datetime | None = None
    generation: int = 0
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class PluginProcess:
    """What a process runs.

    Args:
        process: Its name.
        started_at: When it first reported.
        beat_at: When it last did.
        runs: By plugin: its version, or why it does not run.
    """

    process: str
    started_at: datetime
    beat_at: datetime
    runs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PluginChange:
    """Something that somebody did to a plugin, or tried to.

    Args:
        at: When.
        verb: What.
        plugin: To which plugin.
        by_id: Who, in Discord; ``None`` for somebody at the machine, and for the host itself.
        via: By what way: ``discord``, ``host``, ``watch``, or ``cli`` with who that is on the machine.
        outcome: ``done``, or why not.
    """

    at: datetime
    verb: str
    plugin: str
    by_id: int | None
    via: str
    outcome: str


class PluginRepository:
    """Reads and changes the desired state. Every change of it is told to all processes.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def wishes(self) -> dict[str, PluginWish]:
        """Return the desired state of every plugin that was ever decided on."""
        rows = await self._db.fetch_all(_ALL)
        return {row[0]: PluginWish(row[0], row[1], row[2], tuple(row[3]), *row[4:]) for row in rows}

    async def wish(self, wish: PluginWish, *, by_id: int | None = None, load: bool = False) -> int:
        """Decide what a plugin should be.

        Args:
            wish: What; its generation is ignored.
            by_id: Who decided.
            load: Whether every process is to load it anew.

        Returns:
            Its generation.
        """
        values = {
            "id": wish.id,
            "version": wish.version,
            "enabled": wish.enabled,
            "granted": list(wish.granted),
            "reason": wish.reason,
            "quarantined": wish.quarantined,
            "trips": wish.trips,
            "retry_at": wish.retry_at,
            "loads": int(load),
            "by_hand": wish.by_hand,
            "by_id": by_id,
        }
        return int(await self._db.fetch_value(_SET, values))

    async def remove(self, plugin: str) -> None:
        """Forget what was decided about a plugin that is gone."""
        await self._db.execute("DELETE FROM plugin_states WHERE id = %s", [plugin])

    async def report(self, process: str, runs: Mapping[str, str]) -> None:
        """Tell what a process runs, and that it lives."""
        await self._db.execute(_REPORT, (process, Jsonb(dict(runs))))

    async def forget(self, process: str) -> None:
        """Take back the report of a process that ends."""
        await self._db.execute(_FORGET, (process,))

    async def processes(self, within_s: float) -> list[PluginProcess]:
        """Return the processes that reported within so many seconds."""
        return [PluginProcess(*row) for row in await self._db.fetch_all(_PROCESSES, (within_s,))]

    async def note(self, verb: str, plugin: str, outcome: str, *, by_id: int | None, via: str) -> None:
        """Keep on record what somebody did to a plugin."""
        await self._db.execute(_NOTE, (verb, plugin, by_id, via, outcome))

    async def changes(self, limit: int = 50) -> list[PluginChange]:
        """Return what was done to plugins, the newest first."""
        return [PluginChange(*row) for row in await self._db.fetch_all(_CHANGES, (limit,))]
