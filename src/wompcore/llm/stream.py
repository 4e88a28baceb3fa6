"""A completion while it arrives: pieces, and what they come to. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wompcore.errors import ModelError, StreamBroken
from wompcore.llm.reply import REFUSALS, Delta, ProviderAnswer, ToolCallPart
from wompcore.llm.request import ToolCall
from wompcore.llm.thoughts import join_thoughts
from wompcore.usage import Usage

_CHARS_PER_TOKEN = 4


def as_delta(answer: ProviderAnswer) -> Delta:
    """Return a whole answer as a single piece."""
    parts = (
        ToolCallPart(index, call.id, call.name, call.arguments, call.extra)
        for index, call in enumerate(answer.tool_calls)
    )
    return Delta(
        text=answer.text,
        reasoning=answer.reasoning,
        tool_calls=tuple(parts),
        finish_reason=answer.finish_reason,
        usage=answer.usage,
        model=answer.model,
        request_id=answer.request_id,
        thoughts=json.loads(answer.thoughts) if answer.thoughts else None,
    )


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)
    extra: str = ""


class Assembly:
    """Puts the pieces of one answer together."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_Call] = []
        self._open: dict[int, _Call] = {}
        self._finish_reason = ""
        self._usage: Usage | None = None
        self._model = ""
        self._request_id = ""
        self._thoughts: list[Mapping[str, Any]] = []

    @property
    def begun(self) -> bool:
        """Whether a part of the answer itself has arrived."""
        return bool(self._text or self._reasoning or self._calls)

    @property
    def refused(self) -> bool:
        """Whether the model has said that it will not answer."""
        return self._finish_reason in REFUSALS

    def add(self, delta: Delta) -> None:
        """Add the next piece."""
        if delta.text:
            self._text.append(delta.text)
        if delta.reasoning:
            self._reasoning.append(delta.reasoning)
        if delta.thoughts:
            self._thoughts.append(delta.thoughts)
        for part in delta.tool_calls:
            self._add_call(part)
        if not self.refused:  # one that was said in words ends like an answer
            self._finish_reason = "refusal" if delta.refuses else delta.finish_reason or self._finish_reason
        self._usage = delta.usage or self._usage
        self._model = delta.model or self._model
        self._request_id = delta.request_id or self._request_id

    def answer(self, sent: int) -> ProviderAnswer:
        """Return the whole answer.

        Args:
            sent: Bytes of the request, from which tokens are estimated when no usage was reported.
        """
        calls = tuple(
            ToolCall(call.id or f"call_{number}", call.name, "".join(call.arguments) or "{}", call.extra)
            for number, call in enumerate(self._calls)
            if call.name
        )
        return ProviderAnswer(
            text="".join(self._text),
            tool_calls=calls,
            finish_reason=self._finish_reason or "unknown",
            usage=self._usage or self._estimate(sent),
            model=self._model,
            request_id=self._request_id,
            reasoning="".join(self._reasoning),
            thoughts=join_thoughts(self._thoughts) if calls else "",
        )

    def broken(self, error: ModelError, sent: int) -> StreamBroken:
        """Return the error of an answer that broke off, with the part that arrived and what it cost.

        Args:
            error: What happened.
            sent: Bytes of the request.
        """
        usage = estimate = self._estimate(sent)
        if self._usage:  # an early report knows the input; the output has grown since
            output = max(self._usage.output, estimate.output)
            usage = replace(self._usage, output=output, cost=None, estimated=True)
        message = f"the answer broke off: {error.message}"
        return StreamBroken(message, text="".join(self._text), usage=usage, retryable=error.retryable)

    def _add_call(self, part: ToolCallPart) -> None:
        call = self._open.get(part.index)
        if call is None or _is_another(part, call):
            call = self._open[part.index] = _Call(part.id, part.name)
            self._calls.append(call)
        call.id = call.id or part.id
        call.name = call.name or part.name
        call.extra = call.extra or part.extra
        if part.arguments:
            call.arguments.append(part.arguments)

    def _estimate(self, sent: int) -> Usage:
        pieces = [*self._text, *self._reasoning, *(text for call in self._calls for text in call.arguments)]
        return estimated_usage(sent, sum(map(len, pieces)))


def estimated_usage(sent: int, written: int) -> Usage:
    """Estimate what a call used when the provider does not say.

    Four characters to a token: the usual rule of thumb for English, good to a third.

    Args:
        sent: Bytes of the request.
        written: Characters of the answer.
    """
    return Usage(input=sent // _CHARS_PER_TOKEN + 1, output=written // _CHARS_PER_TOKEN + 1, estimated=True)


def _is_another(part: ToolCallPart, call: _Call) -> bool:
    """Tell whether a part begins a new call although its index is taken.

    Some servers number every call 0, and only name and id tell them apart; others repeat the name, or
    make up a new id for every piece, and these belong together.
    """
    if not part.name or not call.name:
        return False
    if part.id and call.id:
        return part.id != call.id
    return part.name != call.name or _is_json("".join(call.arguments))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
