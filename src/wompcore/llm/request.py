"""What is asked of a model. Everything here is immutable: a retry or a fallback sends the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from wompcore.usage import Attribution

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool run.

    Args:
        id: Ties the tool's result to the call.
        name: The tool.
        arguments: JSON text as the model wrote it; not validated yet.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that the model may ask for.

    Args:
        name: Letters, digits, ``_`` and ``-``.
        description: When to use it, in words for the model.
        parameters: JSON schema of the arguments, an object.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation.

    Args:
        role: Whose turn.
        content: Text; may be empty when there are tool calls.
        name: Who speaks, when several people share a role.
        tool_calls: What an assistant's turn asked for.
        tool_call_id: Which call a tool's turn answers.
    """

    role: Role
    content: str
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One completion.

    Args:
        messages: The conversation, oldest first.
        attribution: Why, for whom, where: what the ledger records.
        model: Empty for the configured one.
        tools: Tools on offer.
        max_tokens: Answer length, tokens; the configured one when left out.
        temperature: 0 to 2; the configured one when left out.
        response_schema: JSON schema that the answer's text shall follow.
        stop: Texts that end the answer.
        seed: For models that can repeat themselves.
        deadline_s: Seconds for everything, retries and fallback included; the configured ones when
            left out.
    """

    messages: tuple[Message, ...]
    attribution: Attribution
    model: str = ""
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    response_schema: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    deadline_s: float | None = None
