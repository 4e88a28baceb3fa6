"""Anthropic's messages format: answers, whole and in events, to ours. Pure.

Sources: Anthropic API reference, "Messages", "Streaming messages" and "Errors", version 2023-06-01.
"""

from __future__ import annotations

from typing import Any

from wompcore.errors import ModelAnswerInvalid
from wompcore.llm.providers.chat_completions import read_arguments, read_count
from wompcore.llm.providers.failure import error_inside_200
from wompcore.llm.providers.messages import SHAPED_ANSWER
from wompcore.llm.providers.wire import json_object, kind_of
from wompcore.llm.reply import Delta, ProviderAnswer, ToolCallPart
from wompcore.llm.stream import Assembly
from wompcore.usage import Usage

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}
"""In the words of chat completions, so that nobody above has to know who was asked."""


def decode(answer: bytes, *, sent: int, provider: str) -> ProviderAnswer:
    """Read the body of a 200.

    Args:
        answer: The body.
        sent: Bytes of the request, from which tokens are estimated when no usage is reported.
        provider: For messages of errors.

    Raises:
        ModelError: It holds an error object instead of a message.
        ModelAnswerInvalid: It is not a message.
    """
    body = json_object(answer)
    if body is None:
        raise ModelAnswerInvalid(f"{provider} answered 200 with {kind_of(answer)} instead of a message")
    if error := body.get("error"):
        raise error_inside_200(error, provider)
    content = body.get("content")
    if not isinstance(content, list):
        raise ModelAnswerInvalid(f"{provider} answered 200 with JSON that is not a message")
    events, assembly = MessageEvents(provider), Assembly()
    assembly.add(events.start(body))
    for index, block in enumerate(content):
        assembly.add(events.block(index, _object(block)))
    assembly.add(events.end(body))
    return assembly.answer(sent)


class MessageEvents:
    """Reads the events of one answer.

    Args:
        provider: For messages of errors.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._usage: dict[str, Any] = {}
        self._shaped: set[int] = set()  # blocks that are the answer, given as a tool's arguments
        self._called = False

    def read(self, data: bytes) -> Delta | None:
        """Read one event; ``None`` when it ends the stream.

        Raises:
            ModelError: The provider reports a failure in mid stream.
            ModelAnswerInvalid: It is not an event of a message.
        """
        body = json_object(data)
        if body is None:
            raise ModelAnswerInvalid(f"{self._provider} streams {kind_of(data)} instead of a message")
        match body.get("type"):
            case "message_start":
                return self.start(_object(body.get("message")))
            case "content_block_start":
                return self.block(read_count(body.get("index")), _object(body.get("content_block")))
            case "content_block_delta":
                return self._piece(read_count(body.get("index")), _object(body.get("delta")))
            case "message_delta":
                return self.end(_object(body.get("delta")) | {"usage": body.get("usage")})
            case "message_stop":
                return None
            case "error":
                raise error_inside_200(body.get("error"), self._provider)
            case _:  # pings, and kinds of events to come
                return Delta()

    def start(self, message: dict[str, Any]) -> Delta:
        """Read who answers, and what was read to do so."""
        usage = self._count(message)
        return Delta(
            usage=usage, model=str(message.get("model") or ""), request_id=str(message.get("id") or "")
        )

    def block(self, index: int, block: dict[str, Any]) -> Delta:
        """Read a block of the answer: its beginning, or all of it."""
        if block.get("type") != "tool_use":
            return self._piece(index, block)
        arguments = read_arguments(block.get("input"))
        if block.get("name") == SHAPED_ANSWER:
            self._shaped.add(index)
            return Delta(text=arguments)
        self._called = True
        part = ToolCallPart(index, str(block.get("id") or ""), str(block.get("name") or ""), arguments)
        return Delta(tool_calls=(part,))

    def end(self, message: dict[str, Any]) -> Delta:
        """Read why the answer ended, and what it used."""
        reason = str(message.get("stop_reason") or "")
        if self._shaped and not self._called and reason == "tool_use":
            reason = "end_turn"
        return Delta(finish_reason=_FINISH_REASONS.get(reason, reason), usage=self._count(message))

    def _piece(self, index: int, piece: dict[str, Any]) -> Delta:
        arguments = str(piece.get("partial_json") or "")
        if arguments and index in self._shaped:
            return Delta(text=arguments)
        return Delta(
            text=str(piece.get("text") or ""),
            reasoning=str(piece.get("thinking") or ""),
            tool_calls=(ToolCallPart(index, arguments=arguments),) if arguments else (),
        )

    def _count(self, message: dict[str, Any]) -> Usage | None:
        """Return what was used so far: events bring some of the numbers and leave out the others."""
        self._usage |= {
            key: value for key, value in _object(message.get("usage")).items() if value is not None
        }
        if "input_tokens" not in self._usage:
            return None
        count = {key: read_count(value) for key, value in self._usage.items()}
        cached = count.get("cache_read_input_tokens", 0)
        written = count.get("cache_creation_input_tokens", 0)
        return Usage(
            input=count["input_tokens"] + cached + written,  # theirs leaves the cached ones out
            output=count.get("output_tokens", 0),
            cached_input=cached,
            cache_write=written,
        )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
