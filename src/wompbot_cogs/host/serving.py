"""The versions that serve in this process. What is wanted is decided elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from wompbot_cogs.errors import PluginError
from wompbot_cogs.host.discovery import Found
from wompbot_cogs.host.draining import Draining
from wompbot_cogs.host.importer import forget
from wompbot_cogs.host.loaded import Loaded
from wompbot_cogs.host.provision import consented
from wompbot_cogs.host.quarantine import Faults, Tolerance
from wompbot_cogs.host.staging import Staging
from wompbot_cogs.host.switch import AnyBot, switch
from wompbot_cogs.scope import Scope
from wompcore.clock import Clock
from wompcore.repos.plugins import PluginWish

_log = logging.getLogger(__name__)

Tripped = Callable[[str, Scope, str], None]
"""Called with a plugin's id, the scope of the version that failed too often, and the reason."""


@dataclass(frozen=True, slots=True)
class _Served:
    loaded: Loaded
    faults: Faults


class Serving:
    """Puts versions into the bot and takes them out.

    ``stages`` tells whether one is being made ready.

    Args:
        bot: Where they serve.
        staging: Makes them ready.
        draining: Ends them.
        tolerance: How much each may fail.
        clock: Tells when one failed.
        tripped: Called when one failed too often.
    """

    def __init__(
        self,
        bot: AnyBot,
        staging: Staging,
        draining: Draining,
        tolerance: Tolerance,
        clock: Clock,
        tripped: Tripped,
    ) -> None:
        self._bot = bot
        self._staging = staging
        self._draining = draining
        self._tolerance = tolerance
        self._clock = clock
        self._tripped = tripped
        self._served: dict[str, _Served] = {}
        self.problems: dict[str, str] = {}  # not the errors: those would keep old code alive
        self.errors = 0
        self.stages = False

    @property
    def loaded(self) -> dict[str, Loaded]:
        """What serves, by plugin, the longest first."""
        return {plugin: served.loaded for plugin, served in self._served.items()}

    def errors_of(self, plugin: str) -> int:
        """Return the number of errors of the version of a plugin that serves."""
        served = self._served.get(plugin)
        return 0 if served is None else served.faults.count

    def end_trial(self, plugin: str) -> None:
        """Allow a plugin as many errors as any other."""
        self._served[plugin].faults.end_trial()

    def runs(self, plugin: str, scope: Scope) -> bool:
        """Return whether a scope is that of the version that serves."""
        served = self._served.get(plugin)
        return served is not None and served.loaded.scope is scope

    async def bring_in(self, found: Found, wish: PluginWish, *, on_trial: bool = False) -> Loaded:
        """Put a plugin's code as it is now in the place of what serves, if anything does.

        Raises:
            PluginError: It cannot serve; what served before still does.
        """

        def failed(plugin: str, error: BaseException) -> None:
            self.errors += 1
            faults.note(error)

        def tripped(reason: str) -> None:
            self._tripped(found.id, scope, reason)

        scope = Scope(found.id, failed, found.package)
        faults = Faults(found.id, self._tolerance, self._clock, tripped, on_trial=on_trial)
        self.stages = True
        try:
            consented(wish, found)
            new = await self._staging.bring_in(found, scope, self.loaded)
        except PluginError as problem:
            await scope.close(0)
            refused = "last update refused: " if found.id in self._served else ""
            self.problems[found.id] = refused + problem.problem
            # The words only: whoever keeps records must not keep the error, its frames and their modules.
            _log.error("%s", str(problem), exc_info=_log.isEnabledFor(logging.DEBUG))
            raise
        except BaseException:
            await scope.close(0)
            raise
        finally:
            self.stages = False
        # From the switch to here nothing suspends: no event is seen by neither or by both.
        old = self._served.pop(found.id, None)
        if old is not None:
            self._draining.begin(old.loaded)
        scope.go_live()  # after the old one let go: a job, or a button, has one owner
        self._served[found.id] = _Served(new, faults)
        self.problems.pop(found.id, None)
        return new

    async def take_out(self, plugin: str) -> None:
        """End the version of a plugin that serves; its work gets time to finish."""
        loaded = self._served.pop(plugin).loaded
        self.problems.pop(plugin, None)  # of an update of what now goes
        await switch(self._bot, loaded.cogs, ())
        forget(loaded.package)
        self._draining.begin(loaded)

    async def close(self) -> None:
        """End everything."""
        for plugin in reversed(self._served.copy()):
            await self.take_out(plugin)
        await self._draining.wait()
