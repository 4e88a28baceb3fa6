"""Whether a question is for one of the tools on offer, and with which arguments. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wompcore.llm.offline.prompt import stems

_QUOTED = re.compile(r"[\"“'](.+?)[\"”']")
_AFTER = re.compile(r"\b(?:in|for|of|about|on|to|from|at)\s+(.+?)[?.!]*$", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def choose_call(question: str, tools: Sequence[Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the name and arguments of the tool whose words the question uses, if there is one.

    A tool fits when the question has a word of its name, or two of its description, and every
    required argument can be read from the question.

    Args:
        question: What was asked.
        tools: As in the request's JSON.
    """
    asked = set(stems(question))
    best: tuple[int, str, dict[str, Any]] | None = None
    for tool in tools:
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            continue
        in_name = len(asked & set(stems(re.sub(r"[_-]", " ", function["name"]))))
        in_description = len(asked & set(stems(str(function.get("description") or ""))))
        score = 2 * in_name + in_description
        if score < 2 or (best and score <= best[0]):
            continue
        arguments = _arguments(question, function.get("parameters"))
        if arguments is not None:
            best = (score, function["name"], arguments)
    return best[1:] if best else None


def _arguments(question: str, schema: object) -> dict[str, Any] | None:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    required = schema.get("required") if isinstance(schema, Mapping) else None
    arguments: dict[str, Any] = {}
    for name in required if isinstance(required, list) else ():
        kind = properties.get(name) if isinstance(properties, Mapping) else None
        value = _argument(question, kind if isinstance(kind, Mapping) else {})
        if value is None:
            return None
        arguments[name] = value
    return arguments


def _argument(question: str, schema: Mapping[str, Any]) -> Any:
    if isinstance(choices := schema.get("enum"), list):
        return next((choice for choice in choices if str(choice).lower() in question.lower()), None)
    number = _NUMBER.search(question)
    match schema.get("type", "string"):
        case "integer":
            return int(float(number[0])) if number else schema.get("default")
        case "number":
            return float(number[0]) if number else schema.get("default")
        case "string":
            found = _QUOTED.search(question) or _AFTER.search(question)
            return found[1] if found else question.strip(" ?!.")
        case _:
            return schema.get("default")
