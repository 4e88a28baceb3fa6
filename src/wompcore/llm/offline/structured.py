"""Answers that follow a JSON schema. Pure.

The claim check is answered from cues in the text; any other schema is filled so that it validates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_MAX_DEPTH = 8
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

_CLAIM_FIELDS = frozenset({"is_trackable", "claim_text", "claim_type", "confidence_level"})
_CLAIM_CUES = {
    "guarantee": re.compile(
        r"\bi(?:'ll| will)? (?:guarantee|promise|swear|bet)\b|\bi(?:'ll| will) never\b", re.I
    ),
    "prediction": re.compile(
        r"\b(?:will|won't|gonna|going to|predict|by 20\d\d|next (?:year|month|week))\b", re.I
    ),
    "opinion": re.compile(r"\b(?:best|worst|greatest|overrated|underrated|better than|worse than)\b", re.I),
    "fact": re.compile(
        r"\b(?:always|never|every|all|nobody|proven|studies|fact|actually|literally|percent)\b|\d ?%",
        re.I,
    ),
}
_CERTAIN = re.compile(
    r"\b(?:definitely|certainly|guarantee|always|never|100 ?%|no doubt|without a doubt|swear)", re.I
)
_UNCERTAIN = re.compile(r"\b(?:maybe|might|perhaps|could|i guess|not sure)\b", re.I)
_NOT_MEANT = re.compile(r"\?\s*$|\blol\b|\blmao\b|\bjk\b|\bjust kidding\b|/s\s*$", re.I)


def structured_answer(schema: Mapping[str, Any], text: str, several: Sequence[str] = ()) -> Any:
    """Return a value that follows a schema.

    Args:
        schema: A JSON schema of the simple kind: types, enums, properties, items, local references.
        text: What the answer is about.
        several: What it is about when claims are checked together.
    """
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and properties.keys() == {"answers"} and several:
        return {"answers": [{"number": n, **check_claim(one)} for n, one in enumerate(several, 1)]}
    if isinstance(properties, Mapping) and properties.keys() >= _CLAIM_FIELDS:
        claim = check_claim(text)
        return {
            name: claim[name] if name in claim else _fill(kind, text, schema, 1)
            for name, kind in properties.items()
            if name in claim or name in schema.get("required", ())
        }
    return _fill(schema, text, schema, 0)


def check_claim(text: str) -> dict[str, Any]:
    """Return a claim check's fields, judged by cue words alone and saying so."""
    cues = {kind: found[0] for kind, pattern in _CLAIM_CUES.items() if (found := pattern.search(text))}
    kind, cue = next(iter(cues.items()), ("opinion", ""))
    meant = not _NOT_MEANT.search(text) and not _UNCERTAIN.search(text)
    level = "certain" if _CERTAIN.search(text) else "uncertain" if _UNCERTAIN.search(text) else "probable"
    seen = (f"the cue “{cue}”" if cue else "no cue") + ("" if meant else " and a hedge or joke")
    return {
        "is_trackable": bool(cue) and meant,
        "claim_text": text.strip()[:500],
        "claim_type": kind,
        "confidence_level": level,
        "reasoning": f"The offline stand-in, no real LLM, saw {seen}.",
    }


def _fill(schema: object, text: str, root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return None
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.rpartition("/")[2]
        return _fill((root.get("$defs") or {}).get(name), text, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return next((choice for choice in choices if str(choice).lower() in text.lower()), choices[0])
    if isinstance(options := schema.get("anyOf") or schema.get("oneOf"), list):
        return _fill(options[0], text, root, depth + 1)
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            properties = schema.get("properties") or {}
            return {name: _fill(child, text, root, depth + 1) for name, child in properties.items()}
        case "array":
            return [_fill(schema.get("items"), text, root, depth + 1)] * min(
                int(schema.get("minItems") or 0), 100
            )
        case "string":
            return text[: schema.get("maxLength", 200)].ljust(min(schema.get("minLength", 0), 10_000), ".")
        case "integer":
            return int(_number(schema, text))
        case "number":
            return _number(schema, text)
        case "boolean":
            return False
        case _:
            return None


def _number(schema: Mapping[str, Any], text: str) -> float:
    found = _NUMBER.search(text)
    value = float(found[0]) if found else 0.0
    if isinstance(low := schema.get("minimum"), int | float):
        value = max(value, float(low))
    if isinstance(high := schema.get("maximum"), int | float):
        value = min(value, float(high))
    return value
