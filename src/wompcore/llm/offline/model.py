"""An honest stand-in for a model: no key, no network, the same answer every time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wompcore.llm.offline.answers import answer
from wompcore.llm.offline.prompt import read_prompt
from wompcore.llm.offline.structured import structured_answer
from wompcore.llm.offline.tool_choice import choose_call

_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 3


@dataclass(frozen=True, slots=True)
class OfflineAnswer:
    """What the stand-in answers.

    Args:
        text: Empty when it asks for a tool.
        tool: Name and arguments of the tool it asks for.
        finish_reason: ``stop``, ``length`` or ``tool_calls``.
        input_tokens: Counted: four bytes to a token.
        output_tokens: The same.
    """

    text: str
    tool: tuple[str, dict[str, Any]] | None
    finish_reason: str
    input_tokens: int
    output_tokens: int


class OfflineModel:
    """Answers from what it is shown, and says that it is a stand-in when that is not enough."""

    def answer(self, request: Mapping[str, Any]) -> OfflineAnswer:
        """Answer a chat completion request.

        Args:
            request: The request's JSON; ``messages`` must be a list.
        """
        messages = request["messages"]
        prompt = read_prompt(messages)
        sent = sum(
            _tokens(json.dumps(m.get("content") or "", ensure_ascii=False)) + _TOKENS_PER_MESSAGE
            for m in messages
            if isinstance(m, Mapping)
        )
        if schema := _schema(request):
            found = structured_answer(schema, prompt.subject, prompt.subjects)
            text = json.dumps(found, ensure_ascii=False)
            return OfflineAnswer(text, None, "stop", sent, _tokens(text))
        tools = request.get("tools")
        if isinstance(tools, list) and request.get("tool_choice") != "none" and not prompt.tool_results:
            call = choose_call(prompt.question, tools)
            if call is not None:
                return OfflineAnswer("", call, "tool_calls", sent, _tokens(json.dumps(call)))
        text, finish_reason = _bounded(answer(prompt), request)
        return OfflineAnswer(text, None, finish_reason, sent, _tokens(text))


def _schema(request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    response_format = request.get("response_format")
    if not isinstance(response_format, Mapping) or response_format.get("type") != "json_schema":
        return None
    named = response_format.get("json_schema")
    schema = named.get("schema") if isinstance(named, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def _bounded(text: str, request: Mapping[str, Any]) -> tuple[str, str]:
    """Cut an answer at the request's stop texts and at its token limit."""
    stops = request.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(str(stop))[0] if stop else text
    limit = request.get("max_tokens") or request.get("max_completion_tokens")
    if isinstance(limit, int) and _tokens(text) > limit:
        return text.encode("utf-8", "replace")[: limit * _BYTES_PER_TOKEN].decode("utf-8", "ignore"), "length"
    return text, "stop"


def _tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
