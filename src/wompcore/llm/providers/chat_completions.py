"""The chat completions format: requests to JSON, JSON to answers and errors. Pure.

Sources: OpenAI API reference, "Chat completions"; OpenRouter documentation, "Usage accounting" and
"Errors". Servers differ in details; what is accepted beyond the reference is said where it is done.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from wompcore.errors import ModelAnswerInvalid, ModelError
from wompcore.llm.providers.failure import error_inside_200
from wompcore.llm.providers.wire import json_bytes, json_object, kind_of
from wompcore.llm.reply import ProviderAnswer
from wompcore.llm.request import ChatRequest, ImagePart, Message, TextPart, ToolCall, ToolSpec
from wompcore.llm.stream import estimated_usage
from wompcore.llm.thoughts import as_opaque, join_thoughts, read_thoughts
from wompcore.money import Usd, usd
from wompcore.usage import Usage

Json = Mapping[str, Any]

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")
_NAME_LIMIT = 64
_EXTRA = "extra_content"


# -- requests ------------------------------------------------------------------------------------


def encode(
    request: ChatRequest,
    model: str,
    *,
    stream: bool = False,
    limit: str = "max_tokens",
    extra: Mapping[str, Any] | None = None,
    leave_out: Collection[str] = (),
) -> bytes:
    """Return the JSON body of a request.

    Args:
        request: With ``max_tokens`` filled in.
        model: The model to ask.
        stream: Whether the answer shall come in pieces.
        limit: What the server calls the answer's length.
        extra: Added to the body.
        leave_out: Fields that are not sent.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        limit: request.max_tokens,
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = "auto"
    if request.response_schema is not None:
        schema = {"name": "answer", "schema": request.response_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.stop:
        body["stop"] = request.stop
    if request.seed is not None:
        body["seed"] = request.seed
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    for field in leave_out:
        body.pop(field, None)
    body |= extra or {}
    return json_bytes(body)


def _message(message: Message) -> Json:
    turn: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.name:  # the reference allows few characters; people's names have others
        turn["name"] = _NOT_IN_NAMES.sub("_", message.name)[:_NAME_LIMIT]
    if message.tool_calls:
        turn["content"] = turn["content"] or None
        turn["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.thoughts:
        turn |= json.loads(message.thoughts.turn)
    if message.tool_call_id:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _call(call: ToolCall) -> Json:
    function = {"name": call.name, "arguments": call.arguments}
    extra = {_EXTRA: json.loads(call.extra)} if call.extra else {}
    return {"id": call.id, "type": "function", "function": function, **extra}


def _content(message: Message) -> str | list[Json]:
    if isinstance(message.content, str):
        return message.content
    return [_part(part) for part in message.content]


def _part(part: TextPart | ImagePart) -> Json:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    url = part.url or f"data:{part.media_type};base64,{b64encode(part.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url, "detail": part.detail}}


def _tool(tool: ToolSpec) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


# -- answers -------------------------------------------------------------------------------------


def decode(answer: bytes, *, sent: int, provider: str) -> ProviderAnswer:
    """Read the body of a 200.

    Args:
        answer: The body.
        sent: Bytes of the request, from which tokens are estimated when no usage is reported.
        provider: For messages of errors.

    Raises:
        ModelError: It holds an error object instead of a completion.
        ModelAnswerInvalid: It is not a completion.
    """
    body = json_object(answer)
    if body is None:
        raise ModelAnswerInvalid(f"{provider} answered 200 with {kind_of(answer)} instead of a completion")
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    choice = choice if isinstance(choice, dict) else {}
    if error := body.get("error") or choice.get("error"):
        raise paid(error_inside_200(error, provider), body)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise paid(ModelAnswerInvalid(f"{provider} answered 200 with JSON that is not a completion"), body)
    text, calls = read_text(message), _tool_calls(message.get("tool_calls"))
    reasoning, thoughts = read_reasoning(message), read_thoughts(message)
    written = len(text) + len(reasoning) + sum(len(call.arguments) for call in calls)
    return ProviderAnswer(
        text=text,
        tool_calls=calls,
        finish_reason=_finish_reason(choice, message),
        usage=read_usage(body.get("usage")) or estimated_usage(sent, written),
        model=str(body.get("model") or ""),
        request_id=str(body.get("id") or ""),
        reasoning=reasoning,
        thoughts=join_thoughts([thoughts]) if thoughts and calls else "",
    )


def paid(error: ModelError, body: Json) -> ModelError:
    """Return an error with what the call used nonetheless, if the answer tells."""
    error.usage = read_usage(body.get("usage"))
    return error


def read_text(message: Json) -> str:
    """Return the text of a message or a delta: null is empty, and some servers send a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def read_reasoning(message: Json) -> str:
    """Return the reasoning of a message or a delta: OpenRouter and Ollama name it so, others otherwise."""
    found = message.get("reasoning") or message.get("reasoning_content")
    return found if isinstance(found, str) else ""


def _finish_reason(choice: Json, message: Json) -> str:
    """A refusal says ``stop`` and shows in a field of its own."""
    return "refusal" if message.get("refusal") else str(choice.get("finish_reason") or "unknown")


def _tool_calls(calls: object) -> tuple[ToolCall, ...]:
    """Arguments come as JSON text or, from some servers, as an object; ids may be missing."""
    found: list[ToolCall] = []
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not function.get("name"):
            continue
        arguments = read_arguments(function.get("arguments")) or "{}"
        id_, name = str(call.get("id") or f"call_{number}"), str(function["name"])
        found.append(ToolCall(id_, name, arguments, read_extra(call)))
    return tuple(found)


def read_arguments(arguments: object) -> str:
    """Return a tool call's arguments as JSON text; some servers send the object itself."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False, default=float) if arguments else ""


def read_extra(call: Json) -> str:
    """Return what must come back with a tool call. Source: Gemini API, "Thought signatures"."""
    extra = call.get(_EXTRA)
    return as_opaque(extra) if isinstance(extra, dict) else ""


def read_usage(usage: object) -> Usage | None:
    """Return the tokens by class; ``None`` when nothing usable is reported."""
    if not isinstance(usage, dict) or "prompt_tokens" not in usage:
        return None
    prompt = usage.get("prompt_tokens_details")
    completion = usage.get("completion_tokens_details")
    prompt = prompt if isinstance(prompt, dict) else {}
    completion = completion if isinstance(completion, dict) else {}
    return Usage(
        input=read_count(usage.get("prompt_tokens")),
        output=read_count(usage.get("completion_tokens")),
        cached_input=read_count(prompt.get("cached_tokens")),
        cache_write=read_count(prompt.get("cache_write_tokens")),
        reasoning=read_count(completion.get("reasoning_tokens")),
        cost=_cost(usage.get("cost")),
    )


def read_count(value: object) -> int:
    """Return a number of tokens; what is none counts as 0."""
    return value if isinstance(value, int) and value > 0 else 0


def _cost(value: object) -> Usd | None:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        return None
    try:
        cost = usd(value)
    except ValueError:
        return None
    return cost if cost >= 0 else None
