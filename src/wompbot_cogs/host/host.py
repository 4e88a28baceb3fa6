"""The plugin host: what the owner's tools may ask of it. One bad plugin never stops the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from wompbot_cogs.errors import PluginError, PluginUnknown
from wompbot_cogs.host.contracts import Contracts
from wompbot_cogs.host.convergence import BEAT_S, KEEPER, Convergence
from wompbot_cogs.host.discovery import Found, Installed
from wompbot_cogs.host.draining import Draining
from wompbot_cogs.host.footprint import footprint
from wompbot_cogs.host.grants import granting, withdrawing
from wompbot_cogs.host.provision import consented
from wompbot_cogs.host.serving import Serving
from wompbot_cogs.running import own_tasks
from wompbot_cogs.states import PluginState, State
from wompcore.db import Listener
from wompcore.errors import DatabaseError, WompError
from wompcore.repos.plugins import PluginProcess, PluginRepository, PluginWish
from wompcore.text import clean

_log = logging.getLogger(__name__)

_ID_CHARS = 64


class Host:
    """Runs plugins. Made by :func:`wompbot_cogs.host.opening.make_host`.

    Every change takes these: ``by_id``, who wants it, in Discord; ``via``, by what way they asked:
    ``discord``, ``cli``, ``watch`` or ``host``. Changes, and those that were refused, are kept on record.

    Args:
        serving: What serves in this process.
        installed: What could.
        draining: What ends in it.
        contracts: Tells whose migrations are not finished.
        convergence: Follows the desired states.
        states: The desired states.
        slash_problem: Tells what is wrong with the registration of commands.
    """

    def __init__(
        self,
        serving: Serving,
        installed: Installed,
        draining: Draining,
        contracts: Contracts,
        convergence: Convergence,
        states: PluginRepository,
        slash_problem: Callable[[], str],
    ) -> None:
        self.slash_problem = slash_problem
        self._serving = serving
        self._installed = installed
        self._draining = draining
        self._contracts = contracts
        self._convergence = convergence
        self._states = states

    async def open(self, listener: Listener, only: tuple[str, ...] = ()) -> None:
        """Load what is installed and wanted; those that fail are listed with their reason.

        Args:
            listener: Brings what other processes decide.
            only: Ids to load, beside what the owner loads by hand; empty for all.
        """
        own_tasks(asyncio.get_running_loop())
        await self._convergence.open(listener, only)

    async def close(self) -> None:
        """Unload everything; work that was begun gets time to finish."""
        await self._convergence.close()
        await self._serving.close()

    # -- looking -------------------------------------------------------------------------------

    @property
    def errors(self) -> int:
        """Errors of plugins since the start."""
        return self._serving.errors

    async def look(self) -> list[PluginState]:
        """Look at what is installed now, and return every installed, wanted or loaded plugin, by id."""
        await self._installed.look()
        return self.states()

    def states(self) -> list[PluginState]:
        """Return the same at once; what is installed as of the last look or change."""
        found = self._installed.found
        ids = {*found, *self._serving.loaded, *self._serving.problems}
        return [self._state(plugin, found.get(plugin)) for plugin in sorted(ids)]

    def places(self) -> dict[str, Path]:
        """Return the folder, or the one file, of each plugin; as of the last look or change."""
        found = self._installed.found
        return {plugin: place for plugin, it in found.items() if (place := it.place) is not None}

    def permissions(self) -> dict[str, frozenset[str]]:
        """Return what each plugin that serves must be allowed in a server."""
        return {plugin: serves.manifest.permissions for plugin, serves in self._serving.loaded.items()}

    async def processes(self) -> list[PluginProcess]:
        """Return what every process runs, this one among them."""
        return await self._states.processes(3 * BEAT_S)

    def receipts(self) -> Mapping[str, tuple[str, ...]]:
        """Return what is left in memory of versions that ended, and who holds it, by plugin."""
        leaks = self._draining.leaks()
        return {plugin: tuple(str(leak) for leak in found) for plugin, found in leaks.items()}

    async def memory(self) -> dict[str, int]:
        """Return the bytes that each loaded plugin holds; see :mod:`wompbot_cogs.host.footprint`."""
        loaded = self._serving.loaded
        return {
            plugin: await asyncio.to_thread(footprint, version.package, version.cogs)
            for plugin, version in loaded.items()
        }

    def was_here(self, word: str) -> bool:
        """Return whether a word is a prefix command of a version that is about to end."""
        return self._draining.was_here(word)

    def is_changing(self) -> bool:
        """Return whether a plugin comes or goes at this moment, or its last work ends."""
        return self._serving.stages or self._draining.drains

    # -- changing ------------------------------------------------------------------------------

    async def load(self, plugin: str, *, by_id: int | None = None, via: str = "discord") -> PluginState:
        """Load a plugin, or its newest version if it runs already; ends a quarantine.

        It is loaded after a restart, too, whatever the settings list; not for being saved (``watch``).

        Raises:
            PluginError: It cannot be loaded; what ran before still runs.
        """
        async with self._change("load", plugin, by_id, via):
            return await self._load(plugin, by_id, by_hand=via != "watch")

    async def swap(self, plugin: str, *, by_id: int | None = None, via: str = "discord") -> PluginState:
        """Put a running plugin's newest version in its place without losing an event.

        Raises:
            PluginError: It does not run, or the new version is broken; the old one still runs.
        """
        async with self._change("swap", plugin, by_id, via):
            if plugin not in self._serving.loaded:
                raise PluginUnknown(plugin, "not loaded", hint=f"`wompbot plugins load {plugin}` loads it.")
            return await self._load(plugin, by_id)

    async def unload(self, plugin: str, *, by_id: int | None = None, via: str = "discord") -> None:
        """Unload a plugin; it stays unloaded after a restart.

        Raises:
            PluginError: It is not installed, or is the one that loads the others.
        """
        async with self._change("unload", plugin, by_id, via):
            _spare_keeper(plugin, "unload itself")
            wish = await self._known(plugin)
            free = replace(
                wish, enabled=False, by_hand=False, quarantined=False, trips=0, retry_at=None, reason=""
            )
            await self._convergence.decide(free, by_id=by_id)
            await self._take_out(plugin)

    async def quarantine(
        self, plugin: str, reason: str = "by hand", *, by_id: int | None = None, via: str = "discord"
    ) -> None:
        """Take a plugin out until somebody releases it.

        Raises:
            PluginError: It is not installed, or is the one that loads the others.
        """
        async with self._change("quarantine", plugin, by_id, via):
            _spare_keeper(plugin, "be quarantined")
            wish = await self._known(plugin)
            held = replace(wish, quarantined=True, trips=0, retry_at=None, reason=clean(reason))
            await self._convergence.decide(held, by_id=by_id)
            await self._take_out(plugin)

    async def release(self, plugin: str, *, by_id: int | None = None, via: str = "discord") -> PluginState:
        """Load a plugin that is in quarantine, and forget why it was there.

        Raises:
            PluginError: It is not in quarantine, or it cannot be loaded.
        """
        async with self._change("release", plugin, by_id, via):
            if not (await self._known(plugin)).quarantined:
                raise PluginError(plugin, "not in quarantine", hint="`wompbot plugins list` shows what is.")
            return await self._load(plugin, by_id, by_hand=True)

    async def grant(
        self, plugin: str, capability: str, *, by_id: int | None = None, via: str = "discord"
    ) -> None:
        """Let a plugin have what it asks for; counts from its next loading.

        Raises:
            PluginError: It is not installed, or its manifest does not ask for that.
        """
        async with self._change(f"grant {capability}", plugin, by_id, via):
            found = (await self._installed.look()).get(plugin)
            wish = granting(await self._convergence.wished(plugin), found, capability)
            await self._convergence.decide(wish, by_id=by_id)

    async def withdraw(
        self, plugin: str, capability: str, *, by_id: int | None = None, via: str = "discord"
    ) -> None:
        """Take back what was granted; counts from its next loading.

        Raises:
            PluginError: It was not granted that.
        """
        async with self._change(f"withdraw {capability}", plugin, by_id, via):
            wish = withdrawing(await self._convergence.wished(plugin), capability)
            await self._convergence.decide(wish, by_id=by_id)

    @asynccontextmanager
    async def _change(self, verb: str, plugin: str, by_id: int | None, via: str) -> AsyncIterator[None]:
        """Change something alone, and keep on record how it went."""
        outcome = "failed"
        try:
            async with self._convergence.turn():
                yield
            outcome = "done"
        except WompError as error:
            outcome = error.message
            raise
        finally:
            try:
                what, which = (clean(word)[:_ID_CHARS] for word in (verb, plugin))
                await self._states.note(what, which, clean(outcome), by_id=by_id, via=via)
            except DatabaseError as error:
                _log.error("not kept on record: %s %s: %s", verb, plugin, error)

    async def _load(self, plugin: str, by_id: int | None, *, by_hand: bool = False) -> PluginState:
        found = (await self._installed.look()).get(plugin)
        if found is None:
            raise PluginUnknown(plugin)
        wish = await self._convergence.wished(plugin)
        loaded = await self._serving.bring_in(found, wish)
        granted = consented(wish, found)
        by_hand = by_hand or wish.by_hand
        runs = PluginWish(plugin, loaded.manifest.version, enabled=True, granted=granted, by_hand=by_hand)
        await self._convergence.decide(runs, by_id=by_id, load=True)
        return self._state(plugin, found)

    async def _known(self, plugin: str) -> PluginWish:
        wish = await self._convergence.wished(plugin)
        known = {*self._serving.loaded, *self._serving.problems, *self._convergence.wishes}
        if plugin not in known and plugin not in await self._installed.look():
            raise PluginUnknown(plugin)
        return wish

    async def _take_out(self, plugin: str) -> None:
        self._serving.problems.pop(plugin, None)
        if plugin in self._serving.loaded:
            await self._serving.take_out(plugin)

    def _state(self, plugin: str, found: Found | None) -> PluginState:
        wish = self._convergence.wishes.get(plugin)
        problem = self._serving.problems.get(plugin, "")
        if not problem and found is not None and found.problem is not None:
            problem = found.problem.problem
        if (loaded := self._serving.loaded.get(plugin)) is not None:
            return PluginState(
                plugin,
                "live",
                loaded.manifest.version,
                loaded.manifest.summary,
                loaded.since,
                loaded.scope.tasks,
                problem or self._contracts.problem_of(loaded),
                self._serving.errors_of(plugin),
                decision=self._convergence.decision(plugin),
            )
        state: State = "failed" if found is None or found.manifest is None or problem else "off"
        if wish is not None and wish.quarantined:
            state, problem = "quarantined", wish.reason
        elif state == "off" and self._draining.is_draining(plugin):
            state = "draining"
        manifest = found and found.manifest
        version, summary = (manifest.version, manifest.summary) if manifest else ("?", "")
        retry_at = wish.retry_at if wish is not None else None
        decision = self._convergence.decision(plugin)
        return PluginState(
            plugin, state, version, summary, problem=problem, retry_at=retry_at, decision=decision
        )


def _spare_keeper(plugin: str, what: str) -> None:
    if plugin == KEEPER:
        raise PluginError(plugin, f"cannot {what}", hint="Swap it instead.")
