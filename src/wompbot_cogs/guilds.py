"""What each guild decided, answered from memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wompbot_cogs.overrides import Overrides
from wompcore.db import Listener
from wompcore.errors import DatabaseError
from wompcore.repos.guilds import CHANNEL, GuildRepository

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GuildSetting:
    """One thing a guild may decide.

    Args:
        key: Its name.
        kind: ``switch`` (true or false), ``channels`` (a list of channel ids), ``threshold`` (a name or a
            score) or ``zone`` (a time zone's name).
        default: What holds until the guild decides.
        meaning: What it does, for people.
    """

    key: str
    kind: Literal["switch", "channels", "threshold", "zone"]
    default: Any
    meaning: str


SETTINGS = {
    setting.key: setting
    for setting in (
        GuildSetting("claims", "switch", True, "look for claims in what members say"),
        GuildSetting(
            "claims_threshold",
            "threshold",
            "standard",
            "how sure the claim filter must be: `thorough` finds more and asks the model more often",
        ),
        GuildSetting(
            "claims_learn", "switch", True, "learn from checked claims, and check a few other messages"
        ),
        GuildSetting("contradictions", "switch", False, "compare members' new claims with their older ones"),
        GuildSetting("hot_takes", "switch", True, "count what people argue about"),
        GuildSetting("quotes", "switch", True, "let people keep quotes"),
        GuildSetting("time_zone", "zone", "UTC", "when a day begins, such as Europe/Berlin"),
        GuildSetting("excluded_channels", "channels", [], "channels that are neither stored nor analysed"),
        GuildSetting(
            "administrators_are_admins", "switch", False, "Discord administrators count as bot admins"
        ),
    )
}


def zone_of(name: str) -> ZoneInfo | None:
    """Return a time zone by its name, such as ``Europe/Berlin``; ``None`` if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a path, a folder, a name too long for a file
        return None


class Guilds:
    """Settings and bot admins of every guild, kept true by NOTIFY. Made by :meth:`open`.

    Attributes:
        plugins: Settings of the plugins that serve which guilds may decide, by plugin.
    """

    def __init__(self, repository: GuildRepository) -> None:
        self._repository = repository
        self._settings: dict[int, dict[str, Any]] = {}
        self._admins: dict[int, set[int]] = {}
        self._excluded: frozenset[int] = frozenset()
        self._reloads: set[asyncio.Task[None]] = set()
        self.plugins: dict[str, Overrides] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, repository: GuildRepository, listener: Listener) -> AsyncIterator[Guilds]:
        """Open with everything known.

        Args:
            repository: Where decisions are kept.
            listener: Brings changes of other processes.
        """
        guilds = cls(repository)
        listener.on(CHANNEL, guilds._heard)
        listener.on_reconnect(guilds.reload)
        await listener.listening()
        await guilds.reload()
        try:
            yield guilds
        finally:
            for task in guilds._reloads:
                task.cancel()
            await asyncio.gather(*guilds._reloads, return_exceptions=True)

    def setting(self, guild_id: int | None, key: str) -> Any:
        """Return a guild's decision, or the default; direct messages have the defaults."""
        return self._settings.get(guild_id or 0, {}).get(key, SETTINGS[key].default)

    def decided(self, guild_id: int, key: str) -> Any:
        """Return a guild's decision of any kind, or ``None``."""
        return self._settings.get(guild_id, {}).get(key)

    def offer(self, plugin: str, overrides: Overrides) -> Callable[[], None]:
        """Let guilds decide settings of a plugin; returns what ends it."""
        self.plugins[plugin] = overrides

        def end() -> None:
            if self.plugins.get(plugin) is overrides:
                del self.plugins[plugin]

        return end

    def zone(self, guild_id: int) -> ZoneInfo:
        """Return a guild's time zone; UTC if this machine does not know it."""
        return zone_of(self.setting(guild_id, "time_zone")) or ZoneInfo("UTC")

    def admins(self, guild_id: int) -> frozenset[int]:
        """Return a guild's bot admins."""
        return frozenset(self._admins.get(guild_id, ()))

    def excludes(self, channel_id: int) -> bool:
        """Return whether a channel is neither stored nor analysed; its threads are not asked about."""
        return channel_id in self._excluded

    async def set(self, guild_id: int, key: str, value: Any, *, by_id: int) -> None:
        """Decide a setting; counts here at once, elsewhere within a second."""
        await self._repository.set(guild_id, key, value, by_id=by_id)
        await self.reload(guild_id)

    async def add_admin(self, guild_id: int, person_id: int, *, by_id: int) -> bool:
        """Appoint a bot admin; return whether they were not one already."""
        added = await self._repository.add_admin(guild_id, person_id, by_id=by_id)
        await self.reload(guild_id)
        return added

    async def remove_admin(self, guild_id: int, person_id: int) -> bool:
        """Dismiss a bot admin; return whether they were one."""
        removed = await self._repository.remove_admin(guild_id, person_id)
        await self.reload(guild_id)
        return removed

    async def reload(self, guild_id: int | None = None) -> None:
        """Read one guild's decisions anew, or everyone's."""
        settings = await self._repository.settings(guild_id)
        admins = await self._repository.admins(guild_id)
        if guild_id is None:
            self._settings, self._admins = settings, admins
        else:
            self._settings[guild_id] = settings.get(guild_id, {})
            self._admins[guild_id] = admins.get(guild_id, set())
        self._excluded = frozenset(
            int(channel)
            for decided in self._settings.values()
            for channel in decided.get("excluded_channels", ())
        )

    def _heard(self, payload: str) -> None:
        task = asyncio.create_task(self._reload_heard(int(payload)), name="guild settings")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload_heard(self, guild_id: int) -> None:
        try:
            await self.reload(guild_id)
        except DatabaseError as error:
            _log.warning("settings of guild %d are read again on reconnect: %s", guild_id, error)
