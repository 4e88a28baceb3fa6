"""Anthropic's messages format: requests to JSON. Pure.

Sources: Anthropic API reference, "Messages", version 2023-06-01; guide, "Prompt caching".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from wompcore.llm.providers.wire import json_bytes, json_object
from wompcore.llm.request import ChatRequest, ImagePart, Message, TextPart, ToolSpec

Block = dict[str, Any]

SHAPED_ANSWER = "shaped_answer"
"""The tool through which a model answers in a given shape; this API has no other way for all models."""

_KEPT = {"cache_control": {"type": "ephemeral"}}
_HIGHEST_TEMPERATURE = 1.0
_THINKING = "thinking"
_NOTHING_SAID = "…"


def encode(
    request: ChatRequest,
    model: str,
    *,
    stream: bool = False,
    extra: Mapping[str, Any] | None = None,
    leave_out: Collection[str] = (),
) -> bytes:
    """Return the JSON body of a request.

    What the first system turn says is kept in the provider's cache, the tools with it: it is the part
    that stays the same. A seed is left out; the API knows none.

    Where tools are in play the model does not think aloud, whatever ``extra`` says: the API would want the
    signed thoughts back with the results, and forces no tool on a model that thinks.

    Args:
        request: With ``max_tokens`` filled in.
        model: The model to ask.
        stream: Whether the answer shall come in pieces.
        extra: Added to the body.
        leave_out: Fields that are not sent.
    """
    rules = list(takewhile(lambda message: message.role == "system", request.messages))
    turns = request.messages[len(rules) :]
    system: list[Block] = [{"type": "text", "text": rule.text} for rule in rules if rule.text.strip()]
    tools, choice = _tools(request, turns)
    for stable in system[:1] or tools[-1:]:
        stable |= _KEPT
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens,
        "messages": _turns(turns),
    }
    extra = {key: value for key, value in (extra or {}).items() if key != _THINKING or not tools}
    if request.temperature is not None and _THINKING not in extra:  # one excludes the other
        body["temperature"] = min(request.temperature, _HIGHEST_TEMPERATURE)
    if system:
        body["system"] = system
    if tools:
        body |= {"tools": tools, "tool_choice": choice}
    if request.stop:
        body["stop_sequences"] = request.stop
    if stream:
        body["stream"] = True
    for field in leave_out:
        body.pop(field, None)
    body |= extra
    return json_bytes(body)


def _tools(request: ChatRequest, turns: Sequence[Message]) -> tuple[list[Block], Block]:
    tools = [_tool(tool) for tool in request.tools]
    if request.response_schema is not None:
        answer = ToolSpec(SHAPED_ANSWER, "Gives the answer.", request.response_schema)
        only: Block = {"type": "any"} if tools else {"type": "tool", "name": SHAPED_ANSWER}
        return [*tools, _tool(answer)], only
    if tools:
        return tools, {"type": "auto"}
    # Turns that used tools are refused without a definition of these, even if none may be used now.
    used = dict.fromkeys(call.name for turn in turns for call in turn.tool_calls)
    return [_tool(ToolSpec(name, "", {"type": "object"})) for name in used], {"type": "none"}


def _tool(tool: ToolSpec) -> Block:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}


def _turns(messages: Sequence[Message]) -> list[Block]:
    """Return the turns as the API wants them: by two speakers in alternation, the user first."""
    turns: list[Block] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = list(_blocks(message))
        if not blocks:
            continue
        if not turns and role == "assistant":
            turns.append({"role": "user", "content": [{"type": "text", "text": _NOTHING_SAID}]})
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> Iterator[Block]:
    if message.role == "tool":
        yield {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.text}
        return
    parts, name = message.content, message.name
    for part in [TextPart(parts)] if isinstance(parts, str) else parts:
        if isinstance(part, ImagePart):
            yield {"type": "image", "source": _source(part)}
        elif part.text.strip():  # the API refuses empty text
            yield {"type": "text", "text": f"{name}: {part.text}" if name else part.text}
            name = None  # said once
    for call in message.tool_calls:
        written = json_object(call.arguments.encode("utf-8", "replace")) or {}
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": written}


def _source(image: ImagePart) -> Block:
    if image.url:
        return {"type": "url", "url": image.url}
    data = b64encode(image.data).decode()
    return {"type": "base64", "media_type": image.media_type, "data": data}
