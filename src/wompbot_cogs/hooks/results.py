"""What hooks return, and how each result is checked and bounded. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from wompbot_cogs.hooks.exchange import Decline, Health, Note, PromptPart
from wompcore.llm.tools import Tool
from wompcore.text import bound, clean

T = TypeVar("T")

TOOLS_MAX = 16
"""Tools that one plugin may offer at a time."""

PARTS_MAX = 4
"""Parts that one plugin may add to a prompt."""

PART_CHARS = 1_000
NOTE_CHARS = 500
HEALTH_CHARS = 200
EXPORT_CHARS = 200_000
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


def prompt_parts(value: Any) -> tuple[PromptPart, ...]:
    """Take parts of a prompt, each cleaned and cut.

    Raises:
        ValueError: It is something else, or there are too many.
    """
    parts = [
        PromptPart(_text(part.text, PART_CHARS), bool(part.stable))
        for part in _all_of(value, PromptPart, PARTS_MAX)
    ]
    return tuple(part for part in parts if part.text)


def word_before(value: Any) -> Decline | Note:
    """Take a word on a request, cleaned and cut.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, Decline):
        return Decline(_text(value.reason, NOTE_CHARS))
    if isinstance(value, Note):
        return Note(_text(value.text, NOTE_CHARS))
    raise ValueError(f"Decline, Note or None, not {type(value).__name__}")


def export(value: Any) -> Mapping[str, Any]:
    """Take what is added to an export.

    Raises:
        ValueError: It is no mapping, cannot be written as JSON, or is too large.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"a mapping, not {type(value).__name__}")
    try:
        written = json.dumps(value, allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"it cannot be written as JSON: {error}") from error
    if len(written) > EXPORT_CHARS:
        raise ValueError(f"more than {EXPORT_CHARS} characters of JSON; declare a table for that much")
    read: Mapping[str, Any] = json.loads(written)
    return read


def health(value: Any) -> Health:
    """Take how a plugin finds itself, cleaned and cut to one line.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, Health):
        raise ValueError(f"Health, not {type(value).__name__}")
    return Health(bool(value.well), " ".join(_text(value.text, HEALTH_CHARS).split()))


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


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text, not {type(value).__name__}")
    return bound(clean(value).strip(), limit)


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
