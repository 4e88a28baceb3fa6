"""The plugin host: loads, swaps and unloads; one bad plugin never stops the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from discord.ext import commands

from wompbot_cogs.context import Context
from wompbot_cogs.errors import PluginBroken, PluginError, PluginUnknown
from wompbot_cogs.host.discovery import Found, discover
from wompbot_cogs.host.importer import forget, fresh
from wompbot_cogs.manifest import Manifest
from wompbot_cogs.plugin import Plugin
from wompbot_cogs.scope import Scope
from wompcore.clock import Clock
from wompcore.repos.plugins import PluginRepository, PluginWish

_log = logging.getLogger(__name__)

Capabilities = Callable[[str, Scope], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PluginState:
    """How a plugin is doing.

    Args:
        id: The plugin.
        state: ``live``, ``off`` (installed, not loaded) or ``failed``.
        version: The version that runs, or that is installed.
        summary: What it does.
        since: When it went live.
        tasks: Background tasks it runs now.
        problem: Why it is not live, or why its last update was refused.
    """

    id: str
    state: Literal["live", "off", "failed"]
    version: str
    summary: str = ""
    since: datetime | None = None
    tasks: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Loaded:
    manifest: Manifest
    package: str
    scope: Scope
    cogs: tuple[commands.Cog, ...]
    since: datetime


class Host:
    """Runs plugins.

    Args:
        bot: Gets their cogs.
        capabilities: Makes what a plugin may be given.
        wishes: Keeps which plugins should run.
        clock: Tells since when.
        changed: Called when commands came or went.
    """

    def __init__(
        self,
        bot: commands.Bot,
        capabilities: Capabilities,
        wishes: PluginRepository,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._capabilities = capabilities
        self._wishes = wishes
        self._clock = clock
        self._changed = changed
        self._loaded: dict[str, _Loaded] = {}
        self._problems: dict[str, PluginError] = {}
        self._draining: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()  # one change at a time
        self.errors = 0

    def states(self) -> list[PluginState]:
        """Return every installed or loaded plugin, by id."""
        found = discover()
        return [self._state(plugin, found.get(plugin)) for plugin in sorted({*found, *self._loaded})]

    async def load_all(self, only: tuple[str, ...] = ()) -> None:
        """Load what is installed and wanted; those that fail are listed with their reason.

        Args:
            only: Ids to load; empty for all.
        """
        wishes = await self._wishes.wishes()
        for plugin in discover():
            wish = wishes.get(plugin)
            if (only and plugin not in only) or (wish is not None and not wish.enabled):
                continue
            try:
                await self._replace(plugin)
            except PluginError as problem:
                _log.error("%s", problem)
        for plugin in only:
            if plugin not in self._loaded and plugin not in self._problems:
                self._problems[plugin] = PluginUnknown(plugin, "not installed")

    async def load(self, plugin: str, *, by_id: int | None = None) -> PluginState:
        """Load a plugin, or its newest version if it runs already.

        Raises:
            PluginError: It cannot be loaded; what ran before still runs.
        """
        await self._replace(plugin)
        await self._wish(plugin, enabled=True, by_id=by_id)
        return self._state(plugin, None)

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
            PluginError: It is not loaded, or is the one that loads the others.
        """
        if plugin == "plugins":
            raise PluginError(plugin, "cannot unload itself", hint="Swap it instead.")
        async with self._turn:
            if plugin not in self._loaded:
                raise PluginUnknown(plugin, "not loaded")
            await self._wish(plugin, enabled=False, by_id=by_id)
            await self._retire(plugin)
        self._changed()

    async def close(self) -> None:
        """Unload everything; tasks that still work get the scope's time to finish."""
        async with self._turn:
            for plugin in reversed(self._loaded.copy()):
                await self._retire(plugin)
        await asyncio.gather(*self._draining, return_exceptions=True)

    def failed(self, plugin: str, error: BaseException) -> None:
        """Note an error of a plugin's task."""
        self.errors += 1
        _log.error("plugin %s failed", plugin, exc_info=error)

    async def _replace(self, plugin: str) -> None:
        async with self._turn:
            try:
                found = discover().get(plugin)
                if found is None:
                    raise PluginUnknown(plugin, "not installed")
                new = await self._stage(found)
                await self._switch(self._loaded.get(plugin), new)
            except PluginError as problem:
                self._problems[plugin] = problem
                raise
            self._problems.pop(plugin, None)
            self._loaded[plugin] = new
        self._changed()

    async def _stage(self, found: Found) -> _Loaded:
        """Import and prepare a version while the one before, if any, still serves."""
        if found.manifest is None:
            raise found.problem or PluginError(found.id, "has no manifest")
        scope = Scope(found.id, self.failed)
        context = Context(found.manifest, scope, self._capabilities(found.id, scope))
        try:
            with fresh(found.package) as module:
                plugin = getattr(module, found.attribute, None)
                # A fresh import of the door is not forced, so the class is the host's own.
                if not isinstance(plugin, Plugin):
                    raise PluginError(found.id, f"{found.package}:{found.attribute} is not a Plugin")
                if plugin.prepare is not None:
                    await plugin.prepare(context)
                cogs = tuple(make(context) for make in plugin.cogs)
        except PluginError:
            await scope.close(0)
            raise
        except Exception as error:
            await scope.close(0)
            raise PluginBroken(found.id, _one_line(error)) from error
        return _Loaded(found.manifest, found.package, scope, cogs, self._clock.now())

    async def _switch(self, old: _Loaded | None, new: _Loaded) -> None:
        """Put the new one in the old one's place; if Discord.py refuses it, put the old one back."""
        old_cogs = old.cogs if old is not None else ()
        for cog in old_cogs:
            await self._bot.remove_cog(cog.qualified_name)
        added: list[commands.Cog] = []
        try:
            for cog in new.cogs:
                await self._bot.add_cog(cog)
                added.append(cog)
        except Exception as error:
            for cog in added:
                await self._bot.remove_cog(cog.qualified_name)
            for cog in old_cogs:
                await self._bot.add_cog(cog)
            await new.scope.close(0)
            raise PluginBroken(new.manifest.id, _one_line(error)) from error
        # Both in one breath: no event is seen by neither or by both.
        new.scope.go_live()
        if old is not None:
            old.scope.retire()
            self._drain(old)

    async def _retire(self, plugin: str) -> None:
        loaded = self._loaded.pop(plugin)
        for cog in loaded.cogs:
            await self._bot.remove_cog(cog.qualified_name)
        loaded.scope.retire()
        forget(loaded.package)
        self._drain(loaded)

    def _drain(self, loaded: _Loaded) -> None:
        task = asyncio.create_task(loaded.scope.close(), name=f"drain {loaded.manifest.id}")
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _wish(self, plugin: str, *, enabled: bool, by_id: int | None) -> None:
        version = self._loaded[plugin].manifest.version
        await self._wishes.wish(PluginWish(plugin, version, enabled), by_id=by_id)

    def _state(self, plugin: str, found: Found | None) -> PluginState:
        problem = self._problems.get(plugin)
        text = "" if problem is None else problem.problem
        loaded = self._loaded.get(plugin)
        if loaded is not None:
            manifest, tasks = loaded.manifest, loaded.scope.tasks
            return PluginState(plugin, "live", manifest.version, manifest.summary, loaded.since, tasks, text)
        if found is not None and found.problem is not None:
            return PluginState(plugin, "failed", "?", problem=found.problem.problem)
        version = found.manifest.version if found is not None and found.manifest is not None else "?"
        summary = found.manifest.summary if found is not None and found.manifest is not None else ""
        return PluginState(plugin, "failed" if problem else "off", version, summary, problem=text)


def _one_line(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"syntax error in {error.filename}, line {error.lineno}: {error.msg}"
    text = str(error).split("\n", 1)[0]
    return f"{type(error).__name__}: {text}"[:300]
