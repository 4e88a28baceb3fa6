"""One call to one model, between its reservation and its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wompcore.errors import ModelError
from wompcore.llm.booking import Booking
from wompcore.llm.breakers import Endpoint
from wompcore.llm.estimate import expected, worst
from wompcore.llm.reply import Provider, ProviderAnswer, Reply
from wompcore.llm.request import ChatRequest
from wompcore.usage import Usage

if TYPE_CHECKING:
    from wompcore import costs


def as_booked(request: ChatRequest, provider: str, model: str) -> costs.Call:
    """Return what the ledger is asked to admit: the worst that the request can come to.

    Args:
        request: With ``max_tokens`` filled in.
        provider: Who is asked.
        model: Which model.
    """
    from wompcore.costs import Call  # here, so that importing this room loads no database driver

    most = worst(request)
    return Call(
        provider=provider,
        model=model,
        attribution=request.attribution,
        max_output_tokens=most.output,
        input_bytes=most.input,
    )


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent, to whom, and its place in the ledger.

    Args:
        request: What is asked.
        provider: Who is asked.
        model: Which model.
        body: The request as bytes; every attempt sends the same.
        booking: Open until the call ends.
    """

    request: ChatRequest
    provider: Provider
    model: str
    body: bytes
    booking: Booking

    @property
    def endpoint(self) -> Endpoint:
        """What its breaker guards."""
        return self.provider.name, self.model

    def failed(self, error: BaseException) -> None:
        """Note what an attempt used that was sent and brought no answer."""
        if isinstance(error, ModelError):
            self.booking.add(error.usage)
        elif isinstance(error, TimeoutError | asyncio.CancelledError):  # it was being worked on
            self.booking.add(Usage(input=expected(self.request).input, estimated=True))

    async def reply(self, answer: ProviderAnswer, attempts: int) -> Reply:
        """Record the answer and return it with its cost."""
        cost = await self.booking.settle(answer.usage)
        return Reply(
            text=answer.text,
            tool_calls=answer.tool_calls,
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            model=answer.model or self.model,
            provider=self.provider.name,
            request_id=answer.request_id,
            attempts=attempts,
            cost=cost,
        )
