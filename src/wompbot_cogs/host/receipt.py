"""Whether a version that no longer serves is really gone, and who holds it if not."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

_HOLDERS = 3
_STEPS = 400


@dataclass(frozen=True, slots=True)
class Leak:
    """Something of a version that ended and is still in memory.

    Args:
        what: Its kind and name.
        held_by: What refers to it, by type and name; never a value.
    """

    what: str
    held_by: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.what}, held by {' and '.join(self.held_by) or 'something unknown'}"


class Witness:
    """Remembers weakly what a version consists of.

    Args:
        parts: Its modules, cogs, context and scope, by kind and name.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = {name: weakref.ref(part) for name, part in parts.items()}

    @property
    def alive(self) -> bool:
        """Whether anything is left; of what is merely not collected yet, too."""
        return any(part() is not None for part in self._parts.values())

    def leaks(self) -> tuple[Leak, ...]:
        """Return what is left; call after a collection, or what is about to go counts as well."""
        names = {id(part): name for name, ref in self._parts.items() if (part := ref()) is not None}
        return tuple(
            Leak(name, _holders(part, names))
            for name, ref in self._parts.items()
            if (part := ref()) is not None
        )


def _holders(part: object, own: Mapping[int, str]) -> tuple[str, ...]:
    """Name who holds an object from outside of its version, looking through plain containers."""
    named: list[str] = []
    seen = {id(part), id(named)}
    queue = [part]
    for _ in range(_STEPS):
        if not queue or len(named) >= _HOLDERS:
            break
        target = queue.pop(0)
        for holder in gc.get_referrers(target):
            if id(holder) in seen or holder is queue or (isinstance(holder, FrameType) and _ours(holder)):
                continue
            seen.add(id(holder))
            if id(holder) in own:
                continue
            if (name := _name(holder)) is None:
                queue.append(holder)
            elif name not in named:
                named.append(name)
    return tuple(named[:_HOLDERS])


def _ours(frame: FrameType) -> bool:
    return frame.f_globals is globals()


def _name(holder: object) -> str | None:
    """Return a name for what holds something; ``None`` for what only its own holder can tell."""
    match holder:
        case ModuleType():
            return f"module {holder.__name__}"
        case dict():
            name = holder.get("__name__")
            module = sys.modules.get(name) if isinstance(name, str) else None
            return f"module {name}" if module is not None and vars(module) is holder else None
        case FrameType():
            return f"a call of {holder.f_code.co_qualname}"
        case FunctionType():
            return f"function {holder.__module__}.{holder.__qualname__}"
        case type():
            return f"class {holder.__module__}.{holder.__qualname__}"
        case MethodType() | list() | tuple() | set() | frozenset():
            return None
    kind = type(holder)
    if kind.__module__ == "builtins":
        return None  # a cell, an iterator, a coroutine
    return f"a {kind.__module__}.{kind.__qualname__}"
