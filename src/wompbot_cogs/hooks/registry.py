"""The hooks of the running plugins, and how they are called: awaited, side by side, each in its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from wompbot_cogs.errors import HookResultInvalid
from wompbot_cogs.hooks.feed import Feed, Source
from wompbot_cogs.hooks.marks import rules_of
from wompbot_cogs.hooks.running import begin, timed
from wompbot_cogs.hooks.specs import HookSpecs
from wompbot_cogs.hooks.staging import Implementation, Implementer, implementations
from wompbot_cogs.manifest import API_LEVEL, Manifest
from wompbot_cogs.scope import Scope
from wompcore.errors import NotOpen

_GRACE_S = 0.5
"""Seconds for an implementation to end after its time is over; after that nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one plugin returned.

    Args:
        plugin: Its id.
        scope: Where its work runs.
        value: The result, checked; ``None`` when it said nothing.
        failed: Whether it raised, hung, was cut off, or returned what the hook does not take.
    """

    plugin: str
    scope: Scope
    value: Any = None
    failed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Live:
    implementation: Implementation
    scope: Scope


class Hooks:
    """Knows which plugin implements what, and asks them.

    An implementation runs in its plugin's scope. One that raises, hangs or returns what the hook does
    not take is left out, and counted against its plugin; the others answer.

    Args:
        specs: Declares the hooks.
        level: The interface level of this host.
    """

    def __init__(self, specs: type = HookSpecs, level: int = API_LEVEL) -> None:
        self._specs = specs
        self._level = level
        self._rules = rules_of(specs)
        self._live: dict[str, tuple[_Live, ...]] = {name: () for name in self._rules}
        self._feeds: dict[str, Feed] = {}

    def stage(self, manifest: Manifest, has: Set[str], objects: Iterable[object], scope: Scope) -> None:
        """Check what a plugin implements; it is called from the moment its scope is live.

        Args:
            manifest: What the plugin says of itself.
            has: Names of the capabilities that it may have if it asks.
            objects: Its cogs and what it names as hooks.
            scope: Owns what the plugin runs.

        Raises:
            HookRefused: An implementation cannot be called.
            NotGranted: A hook tells what the plugin did not ask for.
        """
        plugin = Implementer(manifest, has)
        found = implementations(plugin, objects, self._specs, self._rules, self._level)
        for implementation in found:
            scope.on_live(partial(self._add, _Live(implementation, scope)))

    def feed(self, hook: str, source: Source) -> None:
        """Tell a hook with one argument, in batches, what a source tells; as long as anybody wants it.

        Args:
            hook: Its name.
            source: Begins to call back with everything that happens, and returns what ends that.
        """
        self._feeds[hook] = Feed(source, partial(self._deliver, hook))

    async def ask(self, hook: str, /, **arguments: Any) -> list[Answer]:
        """Ask every plugin that implements a hook, all at once; the answers come by plugin id.

        Args:
            hook: Its name.
            arguments: The hook's arguments.
        """
        return [each for each in await self.outcomes(hook, **arguments) if each.value is not None]

    async def outcomes(self, hook: str, /, **arguments: Any) -> list[Answer]:
        """Ask as :meth:`ask` does, and return those who failed or said nothing, too."""
        asked = [(live, outcome) for live in self._live[hook] if (outcome := _begin(live, arguments))]
        if asked:
            timeout_s = self._rules[hook].timeout_s + _GRACE_S
            await asyncio.wait([outcome for _, outcome in asked], timeout=timeout_s)
        return [_answer(live, outcome) for live, outcome in asked]

    def tell(self, hook: str, /, **arguments: Any) -> None:
        """Tell every plugin that implements a hook, and wait for none."""
        for live in self._live[hook]:
            _begin(live, arguments)

    def implementers(self, hook: str) -> list[str]:
        """Return the ids of the plugins that implement a hook."""
        return [live.implementation.plugin for live in self._live[hook]]

    def _add(self, live: _Live) -> Callable[[], None]:
        hook = live.implementation.hook
        self._change(hook, sorted((*self._live[hook], live), key=_plugin))
        return partial(self._remove, live)

    def _remove(self, live: _Live) -> None:
        hook = live.implementation.hook
        self._change(hook, (other for other in self._live[hook] if other is not live))

    def _change(self, hook: str, live: Iterable[_Live]) -> None:
        """Change who implements a hook; what happened before is told to those of before."""
        feed = self._feeds.get(hook)
        if feed is not None:
            feed.flush()
        self._live[hook] = tuple(live)
        if feed is not None:
            feed.want(bool(self._live[hook]))

    def _deliver(self, hook: str, batch: tuple[Any, ...]) -> None:
        for live in self._live[hook]:
            _begin(live, dict.fromkeys(live.implementation.takes, batch))


def _plugin(live: _Live) -> str:
    return live.implementation.plugin


def _begin(live: _Live, arguments: dict[str, Any]) -> asyncio.Future[Any] | None:
    try:
        return begin(live.scope.start, partial(_result, live.implementation, arguments))
    except NotOpen:  # unloaded a moment ago
        return None


def _answer(live: _Live, outcome: asyncio.Future[Any]) -> Answer:
    plugin, scope = live.implementation.plugin, live.scope
    if not outcome.done() or outcome.cancelled() or outcome.exception() is not None:
        return Answer(plugin, scope, failed=True)
    return Answer(plugin, scope, outcome.result())


async def _result(implementation: Implementation, arguments: dict[str, Any]) -> Any:
    plugin, hook, rules = implementation.plugin, implementation.hook, implementation.rules
    call = partial(implementation.function, *(arguments[name] for name in implementation.takes))
    value = await timed(plugin, f"hook '{hook}'", rules.timeout_s, call)
    if value is None:
        return None
    try:
        return rules.read(value)
    except ValueError as error:
        raise HookResultInvalid(plugin, f"hook '{hook}': {error}") from error
