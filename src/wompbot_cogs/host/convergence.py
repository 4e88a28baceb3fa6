"""Making this process run what the table of desired states says, and putting quarantines into it."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from weakref import ref

from wompbot_cogs.errors import PluginError, PluginUnknown
from wompbot_cogs.host.contracts import Contracts, TellOwners
from wompbot_cogs.host.discovery import Found, Installed
from wompbot_cogs.host.provision import consented
from wompbot_cogs.host.quarantine import Tolerance
from wompbot_cogs.host.serving import Serving
from wompbot_cogs.host.wanted import decision, is_wanted
from wompbot_cogs.running import running
from wompbot_cogs.scope import Scope
from wompcore.clock import Clock
from wompcore.db import Listener
from wompcore.errors import DatabaseError
from wompcore.repos.plugins import CHANNEL, PluginRepository, PluginWish

_log = logging.getLogger(__name__)

BEAT_S = 30.0
"""Seconds between two reports of what a process runs."""

KEEPER = "plugins"
"""The plugin that mends the others: it stays whatever it does."""


class Convergence:
    """Follows the desired states. One change at a time.

    Args:
        serving: What serves in this process.
        installed: What could.
        contracts: Finishes the migrations of what serves everywhere.
        states: The desired states.
        clock: Tells when a quarantine ends.
        tolerance: How long one lasts.
        tell_owners: Tells of a plugin that was taken out.
        changed: Called when commands came or went.
    """

    def __init__(
        self,
        serving: Serving,
        installed: Installed,
        contracts: Contracts,
        states: PluginRepository,
        clock: Clock,
        tolerance: Tolerance,
        tell_owners: TellOwners,
        changed: Callable[[], None],
    ) -> None:
        self._serving = serving
        self._installed = installed
        self._contracts = contracts
        self._states = states
        self._clock = clock
        self._tolerance = tolerance
        self._tell_owners = tell_owners
        self._changed = changed
        self._only: tuple[str, ...] = ()
        self._followed: dict[str, int] = {}  # the generation that was acted on, by plugin
        self._turn = asyncio.Lock()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._work: set[asyncio.Task[None]] = set()
        self.process = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
        self.wishes: dict[str, PluginWish] = {}

    # -- what others decide --------------------------------------------------------------------

    async def open(self, listener: Listener, only: tuple[str, ...]) -> None:
        """Load what is installed and wanted, and follow from now on.

        Args:
            listener: Brings the decisions of other processes.
            only: Ids to load, beside what the owner loads by hand; empty for all.
        """
        self._only = only
        listener.on(CHANNEL, self._hear)
        listener.on_reconnect(self._follow_all)
        await listener.listening()
        await self._follow_all(first=True)
        self._begin(self._beat())

    def _hear(self, plugin: str) -> None:
        self._begin(self._follow_all())

    async def close(self) -> None:
        """Follow no more."""
        for timer in self._timers.values():
            timer.cancel()
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        with suppress(DatabaseError):  # it is not missed for long: reports grow old
            await self._states.forget(self.process)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Change something alone, in nobody's name but the host's."""
        async with self._turn:
            with running(None):
                yield
            await self.report()
        self._changed()

    async def wished(self, plugin: str) -> PluginWish:
        """Return the desired state of a plugin."""
        self.wishes = await self._states.wishes()
        return self.wishes.get(plugin, PluginWish(plugin, "", enabled=True))

    def decision(self, plugin: str) -> str:
        """Return why a plugin is to run or not, where its owner or the settings decided that."""
        wish = self.wishes.get(plugin)
        return decision(PluginWish(plugin, "", enabled=True) if wish is None else wish, self._only)

    async def decide(self, wish: PluginWish, *, by_id: int | None, load: bool = False) -> None:
        """Put a desired state into the table, which this process follows already."""
        generation = await self._states.wish(wish, by_id=by_id, load=load)
        self.wishes[wish.id] = replace(wish, generation=generation)
        if load:
            self._followed[wish.id] = generation
        if not wish.quarantined:
            self._forget_timer(wish.id)

    async def _follow_all(self, *, first: bool = False) -> None:
        async with self.turn():
            self.wishes = await self._states.wishes()
            found = await self._installed.look()
            wanted = [plugin for plugin in found if first or plugin in self.wishes]
            for plugin in dict.fromkeys([*(self._only if first else ()), *self._serving.loaded, *wanted]):
                await self._follow(plugin, found.get(plugin))

    async def _follow(self, plugin: str, found: Found | None) -> None:
        wish = self.wishes.get(plugin, PluginWish(plugin, "", enabled=True))
        serves = plugin in self._serving.loaded
        if wish.quarantined:
            self._wake_at(plugin, wish.retry_at)
        if not self._is_wanted(wish):
            self._followed.pop(plugin, None)
            if serves and plugin != KEEPER:
                await self._serving.take_out(plugin)
        elif found is None:
            self._serving.problems[plugin] = PluginUnknown(plugin).problem
        elif self._followed.get(plugin) != wish.generation:
            self._followed[plugin] = wish.generation
            await self._bring_in(found, wish)

    async def _bring_in(self, found: Found, wish: PluginWish) -> None:
        try:
            loaded = await self._serving.bring_in(found, wish, on_trial=wish.quarantined)
        except PluginError as problem:  # listed
            if wish.quarantined:
                await self._take_out(found.id, problem.problem)
            return
        if not wish.version and not found.built_in:  # the first time it runs is consent to what it asks for
            first = replace(wish, version=loaded.manifest.version, granted=consented(wish, found))
            await self.decide(first, by_id=None)
        if wish.quarantined:
            end_trial = partial(self._end_trial, found.id, ref(loaded.scope))  # it may be gone by then
            self._later(found.id, self._tolerance.window_s, end_trial)

    def _is_wanted(self, wish: PluginWish) -> bool:
        if not is_wanted(wish, self._only):
            return False
        return not wish.quarantined or (wish.retry_at is not None and wish.retry_at <= self._clock.now())

    # -- quarantine ----------------------------------------------------------------------------

    def tripped(self, plugin: str, scope: Scope, reason: str) -> None:
        """Take a version out that failed too often."""
        if plugin != KEEPER:
            self._begin(self._quarantine(plugin, scope, reason))

    async def _quarantine(self, plugin: str, scope: Scope, reason: str) -> None:
        async with self.turn():
            if self._serving.runs(plugin, scope):
                await self._serving.take_out(plugin)
                await self._take_out(plugin, reason)

    async def _take_out(self, plugin: str, reason: str) -> None:
        """Note that a plugin is out, and when it is tried again."""
        self._followed.pop(plugin, None)
        wish = await self.wished(plugin)
        trips = wish.trips + 1
        pause_s = self._tolerance.pause_after(trips)
        retry_at = self._clock.now() + timedelta(seconds=pause_s)
        self._wake_at(plugin, retry_at)
        out = replace(wish, quarantined=True, reason=reason, trips=trips, retry_at=retry_at)
        await self.decide(out, by_id=None)
        await self._states.note("quarantine", plugin, reason, by_id=None, via="host")
        _log.error("plugin %s is in quarantine for %.0f s: %s", plugin, pause_s, reason)
        if not wish.quarantined:
            self._begin(self._tell(plugin, reason, retry_at))

    async def _tell(self, plugin: str, reason: str, retry_at: datetime) -> None:
        plain = reason.replace("`", "'")
        text = f"Plugin `{plugin}` is in quarantine: `{plain}`. It is tried again from time to time; "
        text += f"`!plugins release {plugin}` does so at once."
        await self._tell_owners(f"quarantine {plugin} {retry_at.isoformat()}", text)

    async def _end_trial(self, plugin: str, tried: ref[Scope]) -> None:
        async with self.turn():
            if (scope := tried()) is not None and self._serving.runs(plugin, scope):
                self._serving.end_trial(plugin)
                wish = await self.wished(plugin)
                free = replace(wish, quarantined=False, trips=0, retry_at=None, reason="")
                await self.decide(free, by_id=None)

    # -- reports -------------------------------------------------------------------------------

    async def report(self) -> None:
        """Tell the others what this process runs."""
        runs = {plugin: loaded.manifest.version for plugin, loaded in self._serving.loaded.items()}
        runs |= {plugin: why for plugin, why in self._serving.problems.items() if plugin not in runs}
        try:
            await self._states.report(self.process, runs)
        except DatabaseError as error:
            _log.warning("what runs here is reported later: %s", error)

    async def _beat(self) -> None:
        finishing: asyncio.Task[None] | None = None
        while True:
            await asyncio.sleep(BEAT_S)
            await self.report()
            if finishing is None or finishing.done():  # a migration may take long; a report must not wait
                finishing = self._begin(self._finish_migrations())

    async def _finish_migrations(self) -> None:
        try:
            await self._contracts.look(self._serving.loaded)
        except DatabaseError as error:
            _log.warning("migrations are finished later: %s", error)

    # -- tasks ---------------------------------------------------------------------------------

    def _wake_at(self, plugin: str, at: datetime | None) -> None:
        if at is not None and (pause_s := (at - self._clock.now()).total_seconds()) > 0:
            self._later(plugin, pause_s, self._follow_all)

    def _later(self, plugin: str, pause_s: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._forget_timer(plugin)
        loop = asyncio.get_running_loop()
        self._timers[plugin] = loop.call_later(pause_s, lambda: self._begin(work()))

    def _forget_timer(self, plugin: str) -> None:
        if (timer := self._timers.pop(plugin, None)) is not None:
            timer.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="host of plugins")
        self._work.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the plugin host failed", exc_info=error)
