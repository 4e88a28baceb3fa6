"""Finishing a plugin's migrations once no process runs the version before any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from weakref import WeakKeyDictionary, WeakSet

from wompbot_cogs.host.draining import Draining
from wompbot_cogs.host.loaded import Loaded
from wompbot_cogs.scope import Scope
from wompcore.clock import Clock
from wompcore.errors import WompError
from wompcore.repos.plugins import PluginRepository

_log = logging.getLogger(__name__)


class Contracts:
    """Waits until every process reports a version, and for as long as the one before may still work.

    Args:
        states: Tells what each process runs.
        draining: Tells what still ends here.
        clock: Times the wait.
        drain_s: Seconds that the work of a version may go on after it was replaced.
        report_s: Seconds for which a process's report counts.
    """

    def __init__(
        self, states: PluginRepository, draining: Draining, clock: Clock, drain_s: float, report_s: float
    ) -> None:
        self._states = states
        self._draining = draining
        self._clock = clock
        self._drain_s = drain_s
        self._report_s = report_s
        self._alone_since: WeakKeyDictionary[Scope, float] = WeakKeyDictionary()  # of versions, held weakly:
        self._done: WeakSet[Scope] = WeakSet()  # what ends must not stay in memory for us

    async def look(self, loaded: Mapping[str, Loaded]) -> None:
        """Finish the migrations of every version that is alone by now.

        Args:
            loaded: What serves in this process.
        """
        waiting = {plugin: version for plugin, version in loaded.items() if version.scope not in self._done}
        processes = await self._states.processes(self._report_s) if waiting else []
        for plugin, version in waiting.items():
            reported = {process.runs[plugin] for process in processes if plugin in process.runs}
            if self._draining.is_draining(plugin) or reported - {version.manifest.version}:
                self._alone_since.pop(version.scope, None)
            elif self._has_waited(version.scope):
                await self._finish(plugin, version)

    def _has_waited(self, scope: Scope) -> bool:
        now = self._clock.monotonic()
        return now - self._alone_since.setdefault(scope, now) >= self._drain_s

    async def _finish(self, plugin: str, version: Loaded) -> None:
        self._done.add(version.scope)
        try:
            applied = await version.contract()
        except WompError as error:
            _log.error("the migrations of plugin %s are not finished: %s", plugin, error)
        except Exception as error:  # what a plugin's SQL did wrong; it serves as it is
            _log.error("a contract migration of plugin %s failed: %s", plugin, error)
        else:
            for migration in applied:
                _log.info("plugin %s: applied %s", plugin, migration)
