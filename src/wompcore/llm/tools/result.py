"""What became of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wompcore.llm.request import Message, ToolCall

ToolStatus: TypeAlias = Literal[
    "ok", "failed", "timed_out", "refused", "unknown", "bad_arguments", "repeated", "not_run"
]
"""``not_run``: the conversation's limit of calls was reached."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What became of a call, in words for the model.

    Args:
        call: The call.
        status: How it went.
        text: What the model reads; fenced when it came from the tool.
        output: What the tool returned, as text, cut at the tool's limit; empty when it returned nothing.
        seconds: How long the tool ran.
    """

    call: ToolCall
    status: ToolStatus
    text: str
    output: str = ""
    seconds: float = 0.0

    def message(self) -> Message:
        """Return the turn that answers the call."""
        return Message("tool", self.text, tool_call_id=self.call.id)
