"""What a model thought before it called a tool, kept as it came and given back to nobody else. Pure.

Some models refuse a tool's result, or lose their thread, unless their own thoughts come back with it.
Sources: OpenRouter documentation, "Preserving reasoning blocks"; DeepSeek API, "Thinking mode"; LiteLLM
documentation, "Reasoning content"; Anthropic guide, "Extended thinking with tool use".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

_FIELDS = ("reasoning_details", "thinking_blocks", "reasoning_content", "reasoning")
"""Where servers put thoughts, the most complete first: the others only repeat it."""

_GROWS = {"reasoning.text": "text", "reasoning.summary": "summary", "thinking": "thinking"}
"""Kinds of blocks that come in pieces, and the field that goes on."""

_LIMIT = 256 * 1024
_DEEPEST = 8


def read_thoughts(message: Json) -> Json | None:
    """Return the thoughts in a message or in a piece of one, ``None`` when there are none."""
    found = {
        field: message[field]
        for field in _FIELDS
        if field in message and isinstance(message[field], (str, list))
    }
    return found or None


def join_thoughts(pieces: Iterable[Json]) -> str:
    """Return the thoughts of a whole answer: the JSON of one field, as its turn gets it back.

    Empty ones count: DeepSeek wants even these. What is cut, or made to hurt, is worth nothing to the
    model; so thoughts that pass a limit are left out altogether.

    Args:
        pieces: What :func:`read_thoughts` found, in order.
    """
    pieces = list(pieces)
    for field in _FIELDS:
        values = [piece[field] for piece in pieces if field in piece]
        blocks = _blocks(values)
        texts = [value for value in values if isinstance(value, str)]
        if blocks or texts:
            return as_opaque({field: blocks or "".join(texts)})
    return ""


def as_opaque(value: Json) -> str:
    """Return JSON that is kept unread, for whoever sent it; empty when it is too long or too deep."""
    if not _is_shallow(value, _DEEPEST):
        return ""
    text = json.dumps(value, ensure_ascii=False, default=float)
    return text if len(text) <= _LIMIT else ""


def _blocks(values: Iterable[object]) -> list[dict[str, Any]]:
    """Return whole blocks. A signature ends one; indices tell nothing, as some servers number all 0."""
    blocks: list[dict[str, Any]] = []
    for value in values:
        for piece in value if isinstance(value, list) else ():
            if not isinstance(piece, dict):
                continue
            if blocks and _goes_on(blocks[-1], piece):
                _grow(blocks[-1], piece)
            else:
                blocks.append(dict(piece))
    return blocks


def _goes_on(block: Json, piece: Json) -> bool:
    same = all(block.get(key) == piece.get(key) for key in ("type", "index"))
    return same and piece.get("type") in _GROWS and not block.get("signature")


def _grow(block: dict[str, Any], piece: Json) -> None:
    field = _GROWS[str(piece["type"])]
    text = str(block.get(field) or "") + str(piece.get(field) or "")
    block |= {key: value for key, value in piece.items() if value is not None} | {field: text}


def _is_shallow(value: object, levels: int) -> bool:
    if isinstance(value, (str, int, float)) or not value:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(each, levels - 1) for each in inner)
