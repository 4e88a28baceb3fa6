"""What hooks return, and how each result is checked and bounded. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from wompcore.llm.tools import Tool
from wompcore.text import bound, clean

T = TypeVar("T")

TOOLS_MAX = 16
"""Tools that one plugin may offer at a time."""

TOOL_SECONDS_MAX = 60.0
TOOL_CHARS_MAX = 8_000
_DESCRIPTION_CHARS = 1_000
_SCHEMA_CHARS = 8_000


def tools(value: Any) -> tuple[Tool, ...]:
    """Take tools; what they may cost the model to read, and in time, is bounded.

    Raises:
        ValueError: It is something else, there are too many, or one is too large to be described.
    """
    return tuple(_bounded(tool) for tool in _all_of(value, Tool, TOOLS_MAX))


def nothing(value: Any) -> None:
    """Take nothing.

    Raises:
        ValueError: It is something.
    """
    raise ValueError(f"this hook returns nothing, not {type(value).__name__}")


def _all_of(value: Any, kind: type[T], most: int) -> list[T]:
    """Return the things of a kind that a hook returned, one or several."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ValueError(f"{kind.__name__} or several of them, not {type(value).__name__}")
    things = list(islice(value, most + 1))
    if len(things) > most:
        raise ValueError(f"more than {most} of {kind.__name__}")
    for thing in things:
        if not isinstance(thing, kind):
            raise ValueError(f"{kind.__name__}, not {type(thing).__name__}")
    return things


def _bounded(tool: Tool) -> Tool:
    if len(json.dumps(tool.spec.parameters)) > _SCHEMA_CHARS:
        raise ValueError(f"the parameters of tool {tool.spec.name} take more than {_SCHEMA_CHARS} characters")
    description = bound(clean(tool.spec.description), _DESCRIPTION_CHARS)
    return replace(
        tool,
        spec=replace(tool.spec, description=description),
        timeout_s=min(tool.timeout_s, TOOL_SECONDS_MAX),
        max_chars=min(tool.max_chars, TOOL_CHARS_MAX),
    )
