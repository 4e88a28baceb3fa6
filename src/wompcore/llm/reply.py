"""What a model answers, and who it is asked of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wompcore.llm.request import ChatRequest, ToolCall
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
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    usage: Usage
    model: str
    request_id: str


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
        attempts: Attempts it took, retries and fallback included.
        cost: What it cost, as the ledger recorded it.
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


class Provider(Protocol):
    """A way to reach models. It sends once; retries, limits and money are the client's."""

    @property
    def name(self) -> str:
        """What the ledger and the breaker call it."""
        ...

    def encode(self, request: ChatRequest, model: str) -> bytes:
        """Return the whole request as bytes, made once per call: each retry sends the same.

        Args:
            request: With ``max_tokens`` and ``temperature`` filled in.
            model: The model to ask.
        """
        ...

    async def complete(self, body: bytes) -> ProviderAnswer:
        """Send a request and read the answer; the caller bounds the total time by cancelling.

        Raises:
            ModelError: There was no answer; the leaf says why, and whether trying again can help.
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
