"""What a model answers, and who it is asked of."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias

from wompcore.llm.request import ChatRequest, Message, Thoughts, ToolCall
from wompcore.money import Usd
from wompcore.usage import Usage


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """A completion as a provider gave it.

    Args:
        text: May be empty: see ``finish_reason`` and ``tool_calls`` for why.
        tool_calls: What the model wants run.
        finish_reason: As the provider says it: ``stop``, ``length``, ``tool_calls``, ...
        usage: Reported, or estimated and marked so.
        model: The model that answered; empty when it did not say.
        request_id: The provider's id of this completion; empty when it gave none.
        reasoning: What the model thought aloud, from providers that show it.
        thoughts: JSON object that the provider wants in the turn when it comes back; empty for none.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    usage: Usage
    model: str
    request_id: str
    reasoning: str = ""
    thoughts: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A piece of a tool call.

    Args:
        index: Which call of the answer, as the provider counts.
        id: Empty when the provider said it before, or never.
        name: The tool; empty when it was said before.
        arguments: The next piece of the JSON text.
        extra: What the provider wants back with the call.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of an answer. What has nothing new is empty.

    Args:
        text: The next words.
        reasoning: The next words of reasoning, from providers that show it.
        tool_calls: Pieces of tool calls.
        finish_reason: Why the answer ended.
        usage: Tokens of the whole call so far; a later one replaces it.
        model: The model that answers.
        request_id: The provider's id of this completion.
        thoughts: The next piece of what the provider wants back; shown to nobody.
        refuses: Whether the words say that the model will not answer.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallPart, ...] = ()
    finish_reason: str = ""
    usage: Usage | None = None
    model: str = ""
    request_id: str = ""
    thoughts: Mapping[str, Any] | None = field(default=None, repr=False)
    refuses: bool = False

    @property
    def shows(self) -> bool:
        """Whether it brings a part of the answer itself."""
        return bool(self.text or self.reasoning or self.tool_calls)


REFUSALS = frozenset({"content_filter", "refusal", "safety"})
"""Finish reasons of a model that will not answer."""

Reason: TypeAlias = Literal[
    "breaker_open", "rate_limited", "unavailable", "context_too_long", "refused", "budget"
]
"""Why another model was asked instead."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A model that was to answer and did not.

    Args:
        model: Which.
        reason: Why, in one word.
        detail: Why, in one line for the operator.
        attempts: Requests that were sent to it.
    """

    model: str
    reason: Reason
    detail: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A completion, paid for.

    Args:
        text: May be empty: see ``finish_reason`` and ``tool_calls`` for why.
        tool_calls: What the model wants run.
        finish_reason: As the provider says it: ``stop``, ``length``, ``tool_calls``, ...
        usage: Tokens by class.
        model: The model that answered.
        provider: Who runs it.
        request_id: The provider's id of this completion; empty when it gave none.
        attempts: Attempts it took, retries and models that were passed over included.
        cost: What it cost, as the ledger recorded it.
        passed_over: Models that came first in the route, and why they did not answer.
        thoughts: What the model wants back with the results of its tool calls.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    usage: Usage
    model: str
    provider: str
    request_id: str
    attempts: int
    cost: Usd
    passed_over: tuple[PassedOver, ...] = ()
    thoughts: Thoughts | None = None

    def message(self) -> Message:
        """Return the reply as a turn of the conversation that goes on."""
        return Message("assistant", self.text, tool_calls=self.tool_calls, thoughts=self.thoughts)

    async def refused(self) -> bool:
        """Tell whether the model will not answer."""
        return self.finish_reason in REFUSALS

    def after(self, passed_over: tuple[PassedOver, ...]) -> Reply:
        """Return the reply with who was passed over, and the attempts of all."""
        if not passed_over:
            return self
        attempts = self.attempts + sum(earlier.attempts for earlier in passed_over)
        return replace(self, attempts=attempts, passed_over=passed_over)


class Provider(Protocol):
    """A way to reach models. It sends once; retries, limits and money are the client's."""

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        ...

    @property
    def address(self) -> str:
        """Where requests go: with the model, what has a breaker, and by itself, what has a queue."""
        ...

    def encode(self, request: ChatRequest, model: str, *, stream: bool = False) -> bytes:
        """Return the whole request as bytes, made once per call: each retry sends the same.

        Args:
            request: With ``max_tokens`` filled in.
            model: The model to ask.
            stream: Whether the answer shall come in pieces: the bytes are then for :meth:`stream`.
        """
        ...

    async def complete(self, body: bytes) -> ProviderAnswer:
        """Send a request and read the answer; the caller bounds the total time by cancelling.

        Raises:
            ModelError: There was no answer; the leaf says why, and whether trying again can help.
        """
        ...

    def stream(self, body: bytes, *, first_token_s: float, idle_s: float) -> AsyncGenerator[Delta, None]:
        """Send a request and hand on the answer's pieces as they come; ends when the answer is whole.

        Whoever stops early closes the generator, which ends the request.

        Args:
            body: What :meth:`encode` made with ``stream``.
            first_token_s: Seconds until the answer begins; signs of life do not count.
            idle_s: Seconds of silence after that.

        Raises:
            ModelError: The answer did not begin, or broke off; the leaf says why.
        """
        ...

    async def probe(self, model: str) -> str:
        """Check that the endpoint answers and takes the key, at no cost.

        Returns:
            One line for the operator.

        Raises:
            ModelError: It does not; the leaf says why.
        """
        ...
