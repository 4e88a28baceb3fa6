"""The plugin host: loads, swaps and unloads; one bad plugin never stops the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from wompbot_cogs.errors import NotGranted, PluginError, PluginUnknown
from wompbot_cogs.hooks import Hooks
from wompbot_cogs.host.discovery import Found, discover
from wompbot_cogs.host.importer import forget
from wompbot_cogs.host.loaded import Loaded
from wompbot_cogs.host.staging import Capabilities, Staging
from wompbot_cogs.host.switch import AnyBot, switch
from wompbot_cogs.manifest import OWNER_GRANTED
from wompbot_cogs.scope import Scope
from wompbot_cogs.states import PluginState
from wompcore.clock import Clock
from wompcore.repos.plugins import PluginRepository, PluginWish

_log = logging.getLogger(__name__)


class Host:
    """Runs plugins.

    Args:
        bot: Gets their cogs.
        capabilities: Makes what a plugin may be given.
        hooks: Learns what plugins implement.
        wishes: Keeps which plugins should run.
        clock: Tells since when.
        changed: Called when commands came or went.
    """

    def __init__(
        self,
        bot: AnyBot,
        capabilities: Capabilities,
        hooks: Hooks,
        wishes: PluginRepository,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._staging = Staging(bot, capabilities, hooks, clock)
        self._wishes = wishes
        self._changed = changed
        self._loaded: dict[str, Loaded] = {}
        self._problems: dict[str, str] = {}  # not the errors: those would keep old code alive
        self._draining: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()  # one change at a time
        self.errors = 0

    def states(self) -> list[PluginState]:
        """Return every installed, wanted or loaded plugin, by id."""
        found = discover()
        return [
            self._state(plugin, found.get(plugin))
            for plugin in sorted({*found, *self._loaded, *self._problems})
        ]

    async def load_all(self, only: tuple[str, ...] = ()) -> None:
        """Load what is installed and wanted; those that fail are listed with their reason.

        Args:
            only: Ids to load; empty for all.
        """
        async with self._turn:
            wishes = await self._wishes.wishes()
            found = discover()
            for plugin in only or found:
                wish = wishes.get(plugin, _undecided(plugin))
                if plugin not in found:
                    self._problems[plugin] = PluginUnknown(plugin).problem
                elif wish.enabled:
                    with suppress(PluginError):  # listed
                        await self._replace(found[plugin], wish.granted)
        self._changed()

    async def load(self, plugin: str, *, by_id: int | None = None) -> PluginState:
        """Load a plugin, or its newest version if it runs already.

        Raises:
            PluginError: It cannot be loaded; what ran before still runs.
        """
        async with self._turn:
            found = discover()
            if plugin not in found:
                raise PluginUnknown(plugin)
            wish = await self._wished(plugin)
            await self._replace(found[plugin], wish.granted)
            version = self._loaded[plugin].manifest.version
            await self._wishes.wish(replace(wish, version=version, enabled=True), by_id=by_id)
        self._changed()
        return self._state(plugin, found[plugin])

    async def swap(self, plugin: str, *, by_id: int | None = None) -> PluginState:
        """Put a running plugin's newest version in its place without losing an event.

        Raises:
            PluginError: It does not run, or the new version is broken; the old one still runs.
        """
        if plugin not in self._loaded:
            raise PluginUnknown(plugin, "not loaded", hint=f"`!plugins load {plugin}` loads it.")
        return await self.load(plugin, by_id=by_id)

    async def unload(self, plugin: str, *, by_id: int | None = None) -> None:
        """Unload a plugin; it stays unloaded after a restart.

        Raises:
            PluginError: It is not installed, or is the one that loads the others.
        """
        if plugin == "plugins":
            raise PluginError(plugin, "cannot unload itself", hint="Swap it instead.")
        async with self._turn:
            if plugin not in {*self._loaded, *self._problems, *discover()}:
                raise PluginUnknown(plugin)
            await self._wishes.wish(replace(await self._wished(plugin), enabled=False), by_id=by_id)
            self._problems.pop(plugin, None)
            if plugin in self._loaded:
                await self._retire(plugin)
        self._changed()

    async def grant(self, plugin: str, capability: str, *, by_id: int | None = None) -> None:
        """Let a plugin have what only the owner gives; counts from its next loading.

        Raises:
            PluginError: It is not installed, or its manifest does not ask for that.
        """
        async with self._turn:
            found = discover().get(plugin)
            if found is None or found.manifest is None:
                raise PluginUnknown(plugin)
            if capability not in found.manifest.needs & OWNER_GRANTED:
                raise NotGranted(plugin, f"does not ask the owner for '{capability}'")
            wish = await self._wished(plugin)
            granted = tuple(sorted({*wish.granted, capability}))
            await self._wishes.wish(replace(wish, granted=granted), by_id=by_id)

    async def withdraw(self, plugin: str, capability: str, *, by_id: int | None = None) -> None:
        """Take back what was granted; counts from its next loading.

        Raises:
            PluginError: It was not granted that.
        """
        async with self._turn:
            wish = await self._wished(plugin)
            if capability not in wish.granted:
                raise NotGranted(plugin, f"was not granted '{capability}'", hint="")
            granted = tuple(name for name in wish.granted if name != capability)
            await self._wishes.wish(replace(wish, granted=granted), by_id=by_id)

    async def close(self) -> None:
        """Unload everything; work that was begun gets the scope's time to finish."""
        async with self._turn:
            for plugin in reversed(self._loaded.copy()):
                await self._retire(plugin)
        await asyncio.gather(*self._draining)

    def failed(self, plugin: str, error: BaseException) -> None:
        """Note an error of something a plugin runs."""
        self.errors += 1
        _log.error("plugin %s failed", plugin, exc_info=error)

    async def _replace(self, found: Found, granted: Collection[str]) -> None:
        """Put a plugin's code as it is now in the place of what runs, if anything does."""
        old = self._loaded.get(found.id)
        scope = Scope(found.id, self.failed)
        try:
            new = await self._staging.bring_in(found, granted, scope, self._loaded)
        except PluginError as problem:
            await scope.close(0)
            self._problems[found.id] = problem.problem
            _log.error("%s", problem, exc_info=_log.isEnabledFor(logging.DEBUG))
            raise
        except BaseException:
            await scope.close(0)
            raise
        # From the switch to here nothing suspends: no event is seen by neither or by both.
        scope.go_live()
        if old is not None:
            self._drain(old)
        self._loaded[found.id] = new
        self._problems.pop(found.id, None)

    async def _wished(self, plugin: str) -> PluginWish:
        return (await self._wishes.wishes()).get(plugin, _undecided(plugin))

    async def _retire(self, plugin: str) -> None:
        loaded = self._loaded.pop(plugin)
        await switch(self._bot, loaded.cogs, ())
        forget(loaded.package)
        self._drain(loaded)

    def _drain(self, loaded: Loaded) -> None:
        """End what no longer serves: its watches now, its work when it is done."""
        loaded.scope.retire()
        task = asyncio.create_task(loaded.scope.close(), name=f"drain {loaded.manifest.id}")
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    def _state(self, plugin: str, found: Found | None) -> PluginState:
        problem = self._problems.get(plugin, "")
        if not problem and found is not None and found.problem is not None:
            problem = found.problem.problem
        if (loaded := self._loaded.get(plugin)) is not None:
            manifest, tasks = loaded.manifest, loaded.scope.tasks
            return PluginState(
                plugin, "live", manifest.version, manifest.summary, loaded.since, tasks, problem
            )
        if found is None or found.manifest is None:
            return PluginState(plugin, "failed", "?", problem=problem)
        state: Literal["failed", "off"] = "failed" if plugin in self._problems else "off"
        return PluginState(plugin, state, found.manifest.version, found.manifest.summary, problem=problem)


def _undecided(plugin: str) -> PluginWish:
    return PluginWish(plugin, "", enabled=True)
