"""The JSON that the offline server sends, whole and in pieces. Pure."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from wompcore.llm.offline.model import OfflineAnswer

Json = dict[str, Any]

_CREATED = 0  # a fixed moment: the same request has the same answer, byte for byte
_PIECE = re.compile(r"\s*\S+|\s+$")
_ARGUMENT_PIECE = 8


def completion(answer: OfflineAnswer, model: str, number: int) -> Json:
    """Return a whole chat completion."""
    message: Json = {"role": "assistant", "content": answer.text}
    if answer.tool:
        message |= {"content": None, "tool_calls": [_tool_call(answer.tool, number)]}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
    return {**_head("chat.completion", model, number), "choices": [choice], "usage": _usage(answer)}


def events(answer: OfflineAnswer, model: str, number: int, *, with_usage: bool) -> Iterator[bytes]:
    """Return the server-sent events of a streamed chat completion, word by word."""
    head = _head("chat.completion.chunk", model, number)

    def chunk(delta: Json, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event({**head, "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in _PIECE.findall(answer.text):
        yield chunk({"content": piece})
    if answer.tool:
        call = _tool_call(answer.tool, number)
        arguments = call["function"]["arguments"]
        call["function"]["arguments"] = ""
        yield chunk({"tool_calls": [{"index": 0, **call}]})
        for at in range(0, len(arguments), _ARGUMENT_PIECE):
            part = {"index": 0, "function": {"arguments": arguments[at : at + _ARGUMENT_PIECE]}}
            yield chunk({"tool_calls": [part]})
    yield chunk({}, answer.finish_reason)
    if with_usage:
        yield _event({**head, "choices": [], "usage": _usage(answer)})
    yield b"data: [DONE]\n\n"


def embeddings(vectors: Sequence[Sequence[float]], model: str, tokens: int, *, as_base64: bool) -> Json:
    """Return a list of embeddings: numbers, or base64 of little-endian 32-bit floats."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if as_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def models(names: Sequence[str]) -> Json:
    """Return the list of models."""
    data = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "wompcore"} for name in names]
    return {"object": "list", "data": data}


def failure(message: str, kind: str, code: int) -> Json:
    """Return an error object."""
    return {"error": {"message": message, "type": kind, "code": code}}


def _head(kind: str, model: str, number: int) -> Json:
    return {"id": f"offline-{number}", "object": kind, "created": _CREATED, "model": model}


def _tool_call(tool: tuple[str, Json], number: int) -> Json:
    name, arguments = tool
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{number}", "type": "function", "function": function}


def _usage(answer: OfflineAnswer) -> Json:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }


def _event(body: Json) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
