"""JSON as it goes to model endpoints and comes back. Pure."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_EXACT = json.JSONDecoder(parse_float=Decimal)  # money must not pass through a float


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """Return a request's JSON. Lone surrogates, which no JSON can carry, become ``?``."""
    return _COMPACT.encode(body).encode("utf-8", "replace")


def json_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a body with exact decimals, ``None`` when it holds something else."""
    text = body.removeprefix(BOM_UTF8).decode("utf-8", "replace")  # some servers cut within a character
    try:
        found = _EXACT.decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def kind_of(body: bytes) -> str:
    """Return in words what a body that is not a completion is."""
    start = body[:200].lstrip().lower()
    if not start:
        return "nothing"
    return "a web page" if start.startswith((b"<!doctype html", b"<html")) else "something else"
