"""Reading a plugin's implementations while it is staged. pluggy sees them here and forgets them again."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType, MethodType, NoneType
from typing import Any

import pluggy

from wompbot_cogs.errors import HookRefused, NotGranted
from wompbot_cogs.hooks.marks import PROJECT, HookRules
from wompbot_cogs.manifest import Manifest

_log = logging.getLogger(__name__)

_MARK = f"{PROJECT}_impl"  # where pluggy's marker keeps the options
_METHODS = (FunctionType, MethodType, classmethod, staticmethod, NoneType)  # None: a name that a base brings
_ORDERING = ("tryfirst", "trylast", "wrapper", "hookwrapper")


@dataclass(frozen=True, slots=True)
class Implementer:
    """A plugin that may implement hooks.

    Args:
        manifest: What it says of itself.
        has: Names of the capabilities that it may have if it asks.
    """

    manifest: Manifest
    has: Set[str]


@dataclass(frozen=True, slots=True)
class Implementation:
    """One plugin's implementation of one hook.

    Args:
        plugin: The plugin's id.
        hook: The hook's name.
        rules: What holds for it.
        function: The bound method.
        takes: Names of the arguments it wants.
    """

    plugin: str
    hook: str
    rules: HookRules
    function: Callable[..., Any]
    takes: tuple[str, ...]


def implementations(
    plugin: Implementer, objects: Iterable[object], specs: type, rules: Mapping[str, HookRules], level: int
) -> list[Implementation]:
    """Return what a plugin's objects implement.

    Args:
        plugin: Whose they are.
        objects: Its cogs and the objects it names as hooks.
        specs: Declares the hooks.
        rules: Theirs, by name.
        level: The interface level of this host.

    Raises:
        HookRefused: A hook is not known, was removed, is newer than the plugin says it is, or is
            implemented in a way that cannot be called; says which and why.
        NotGranted: A hook tells what the plugin did not ask for.
    """
    found: list[Implementation] = []
    for thing in objects:
        manager = _Manager(PROJECT)  # one per object: pluggy compares them, and they may be equal
        manager.add_hookspecs(specs)
        try:
            manager.register(thing, plugin.manifest.id)
        except (pluggy.PluginValidationError, ValueError) as error:
            # The error itself would keep the object alive.
            raise HookRefused(plugin.manifest.id, " ".join(str(error).split())[:300]) from None
        for caller in manager.get_hookcallers(thing) or ():
            for impl in caller.get_hookimpls():
                if caller.name in rules:
                    found.append(_checked(plugin, caller.name, rules[caller.name], impl, level))
                elif not impl.optionalhook:
                    raise HookRefused(plugin.manifest.id, f"there is no hook '{caller.name}'")
    return found


def _checked(
    plugin: Implementer, name: str, rules: HookRules, impl: pluggy.HookImpl, level: int
) -> Implementation:
    manifest = plugin.manifest
    if rules.removed is not None and level >= rules.removed:
        problem = f"hook '{name}' was removed at interface level {rules.removed}"
        raise HookRefused(manifest.id, problem, hint=f"Use {rules.instead}." if rules.instead else None)
    if rules.since > manifest.api:
        problem = f"hook '{name}' came with interface level {rules.since}, its manifest says {manifest.api}"
        raise HookRefused(manifest.id, problem, hint=f"Set api = {rules.since} in wompbot.toml.")
    if rules.needs is not None and rules.needs not in plugin.manifest.needs & plugin.has:
        asked = rules.needs in manifest.needs
        hint = f"`wompbot plugins grant {manifest.id} {rules.needs}` gives it." if asked else None
        raise NotGranted(manifest.id, f"hook '{name}' needs '{rules.needs}'", hint=hint)
    if rules.content:
        manifest.require_content(f"hook '{name}'")
    for option in _ORDERING:
        if getattr(impl, option):
            raise HookRefused(manifest.id, f"hook '{name}': no {option}, all are called side by side")
    try:
        inspect.signature(impl.function).bind(*impl.argnames)
    except TypeError as error:
        raise HookRefused(manifest.id, f"hook '{name}' cannot be called: {error}") from None
    if rules.deprecated is not None and level >= rules.deprecated:
        _log.warning("plugin %s: hook '%s' goes away; use %s", manifest.id, name, rules.instead)
    return Implementation(manifest.id, name, rules, impl.function, tuple(impl.argnames))


class _Manager(pluggy.PluginManager):
    """Looks at marked methods only: older versions of pluggy run every property, newer ones take long."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> pluggy.HookimplOpts | None:
        """Return the options of a method that is marked; ``None`` for everything else."""
        of_class = next((vars(kind)[name] for kind in type(plugin).__mro__ if name in vars(kind)), None)
        thing = getattr(plugin, "__dict__", {}).get(name, of_class)
        if isinstance(of_class, property | cached_property) or not isinstance(thing, _METHODS):
            return None
        if isinstance(thing, FunctionType) and not hasattr(thing, _MARK):
            return None
        return super().parse_hookimpl_opts(plugin, name)
