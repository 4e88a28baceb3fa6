"""Finishing a plugin's migrations once no process runs the version before any more."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from wompbot_cogs.host.draining import Draining
from wompbot_cogs.host.loaded import Loaded
from wompbot_cogs.host.quarantine import one_line
from wompbot_cogs.scope import Scope
from wompcore.clock import Clock
from wompcore.errors import WompError
from wompcore.repos.plugins import PluginRepository

_log = logging.getLogger(__name__)

_FIRST_RETRY_S = 60.0
_LAST_RETRY_S = 3600.0

TellOwners = Callable[[str, str], Awaitable[None]]
"""Sends the owners a text, once per key."""


@dataclass(slots=True)
class _Wait:
    """How far a version is. It holds nothing of the version, which must be able to leave memory."""

    until: float
    failures: int = 0
    problem: str = ""
    done: bool = False


class Contracts:
    """Waits until every process reports a version, and for as long as the one before may still work.

    What fails is tried again after a pause that doubles; the version serves on meanwhile.

    Args:
        states: Tells what each process runs.
        draining: Tells what still ends here.
        clock: Times the wait.
        drain_s: Seconds that the work of a version may go on after it was replaced.
        report_s: Seconds for which a process's report counts.
        tell_owners: Tells of migrations that failed.
    """

    def __init__(
        self,
        states: PluginRepository,
        draining: Draining,
        clock: Clock,
        drain_s: float,
        report_s: float,
        tell_owners: TellOwners,
    ) -> None:
        self._states = states
        self._draining = draining
        self._clock = clock
        self._drain_s = drain_s
        self._report_s = report_s
        self._tell_owners = tell_owners
        self._waits: WeakKeyDictionary[Scope, _Wait] = WeakKeyDictionary()

    def problem_of(self, version: Loaded) -> str:
        """Return why the migrations of a version are not finished; empty while nothing is wrong."""
        wait = self._waits.get(version.scope)
        return "" if wait is None else wait.problem

    async def look(self, loaded: Mapping[str, Loaded]) -> None:
        """Finish the migrations of every version that is alone by now.

        Args:
            loaded: What serves in this process.
        """
        waiting = {plugin: version for plugin, version in loaded.items() if not self._is_done(version.scope)}
        processes = await self._states.processes(self._report_s) if waiting else []
        for plugin, version in waiting.items():
            reported = {process.runs[plugin] for process in processes if plugin in process.runs}
            if self._draining.is_draining(plugin) or reported - {version.manifest.version}:
                self._waits.pop(version.scope, None)
                continue
            now = self._clock.monotonic()
            wait = self._waits.setdefault(version.scope, _Wait(now + self._drain_s))
            if now >= wait.until:
                await self._finish(plugin, version, wait)

    def _is_done(self, scope: Scope) -> bool:
        wait = self._waits.get(scope)
        return wait is not None and wait.done

    async def _finish(self, plugin: str, version: Loaded, wait: _Wait) -> None:
        try:
            applied = await version.contract()
        except Exception as error:  # also what a plugin's SQL did wrong
            problem = error.message if isinstance(error, WompError) else one_line(error)
            pause_s = min(_LAST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(wait.failures, 30))
            wait.failures += 1
            wait.until = self._clock.monotonic() + pause_s
            wait.problem = f"its migrations are not finished: {problem}"
            _log.error("plugin %s serves, but %s; tried again in %.0f s", plugin, wait.problem, pause_s)
            if wait.failures == 1:
                await self._tell(plugin, version.manifest.version, wait.problem)
        else:
            wait.done, wait.problem = True, ""
            for migration in applied:
                _log.info("plugin %s: applied %s", plugin, migration)

    async def _tell(self, plugin: str, version: str, problem: str) -> None:
        plain = problem.replace("`", "'")
        text = f"Plugin `{plugin}` {version} serves, but `{plain}`. It is tried again from time to time, "
        text += "and with the next swap."
        await self._tell_owners(f"migrations {plugin} {version}", text)
