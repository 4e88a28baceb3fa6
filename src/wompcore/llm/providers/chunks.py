"""The chat completions format while it arrives: events to deltas. Pure.

Sources: OpenAI API reference, "Streaming"; OpenRouter documentation, "Streaming" and "Errors".
"""

from __future__ import annotations

from collections.abc import Iterator

from wompcore.errors import ModelAnswerInvalid
from wompcore.llm.providers.chat_completions import (
    paid,
    read_arguments,
    read_extra,
    read_reasoning,
    read_text,
    read_usage,
)
from wompcore.llm.providers.failure import error_inside_200
from wompcore.llm.providers.wire import json_object, kind_of
from wompcore.llm.reply import Delta, ToolCallPart
from wompcore.llm.thoughts import read_thoughts

_DONE = b"[DONE]"


def read_chunk(data: bytes, provider: str) -> Delta | None:
    """Read one event; ``None`` when it ends the stream.

    Args:
        data: The event's data.
        provider: For messages of errors.

    Raises:
        ModelError: The provider reports a failure in mid stream.
        ModelAnswerInvalid: It is not a chunk of a completion.
    """
    if data.startswith(_DONE):
        return None
    body = json_object(data)
    if body is None:
        raise ModelAnswerInvalid(f"{provider} streams {kind_of(data)} instead of a completion")
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    choice = choice if isinstance(choice, dict) else {}
    if error := body.get("error") or choice.get("error"):
        raise paid(error_inside_200(error, provider), body)
    delta = choice.get("delta") or choice.get("message")
    delta = delta if isinstance(delta, dict) else {}
    calls = delta.get("tool_calls")
    return Delta(
        text=read_text(delta),
        reasoning=read_reasoning(delta),
        tool_calls=tuple(_parts(calls)) if isinstance(calls, list) else (),
        finish_reason=str(choice.get("finish_reason") or ""),
        usage=read_usage(body.get("usage")),
        model=str(body.get("model") or ""),
        request_id=str(body.get("id") or ""),
        thoughts=read_thoughts(delta),
        refuses=bool(delta.get("refusal")),
    )


def _parts(calls: list[object]) -> Iterator[ToolCallPart]:
    for position, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(function, dict):
            continue
        index = call.get("index")
        yield ToolCallPart(
            index=index if isinstance(index, int) else position,  # some servers do not count
            id=str(call.get("id") or ""),
            name=str(function.get("name") or ""),
            arguments=read_arguments(function.get("arguments")),
            extra=read_extra(call),
        )
