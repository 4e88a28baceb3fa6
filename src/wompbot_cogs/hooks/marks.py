"""The marks of hooks: what declares one, and what implements one. Nothing is called here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pluggy

from wompbot_cogs.manifest import Capability

PROJECT = "wompbot"

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a method, plain or async, as the implementation of the hook of its name."""

F = TypeVar("F", bound=Callable[..., Any])

_RULES = "wompbot_rules"
_hookspec = pluggy.HookspecMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class HookRules:
    """What holds for one hook.

    Args:
        read: Takes one plugin's result and returns it, checked and bounded; raises ``ValueError``.
        timeout_s: Seconds each plugin may take.
        needs: The capability that an implementer must have, for a hook that tells it something.
        content: Whether it tells what people write, so that an implementer's manifest must ask for that.
        since: The interface level the hook came with.
        deprecated: The level since which it is on its way out.
        removed: The level since which it is no longer called.
        instead: What takes its place.
    """

    read: Callable[[Any], Any]
    timeout_s: float = 5.0
    needs: Capability | None = None
    content: bool = False
    since: int = 1
    deprecated: int | None = None
    removed: int | None = None
    instead: str = ""


def hook(rules: HookRules) -> Callable[[F], F]:
    """Declare a hook: its signature is what implementations may take, its docstring their manual."""

    def declare(function: F) -> F:
        setattr(function, _RULES, rules)
        return _hookspec(function)

    return declare


def rules_of(specs: type) -> dict[str, HookRules]:
    """Return the rules of every hook that a class declares, by name."""
    found = ((name, getattr(value, _RULES, None)) for name, value in vars(specs).items())
    return {name: rules for name, rules in found if rules is not None}
