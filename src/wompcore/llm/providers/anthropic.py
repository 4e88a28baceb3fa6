"""Anthropic's messages API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from wompcore.clock import Clock
from wompcore.llm.providers.endpoint import Endpoint
from wompcore.llm.providers.message_events import MessageEvents, decode
from wompcore.llm.providers.messages import encode
from wompcore.llm.reply import Delta, ProviderAnswer
from wompcore.llm.request import ChatRequest
from wompcore.llm.stream import as_delta

if TYPE_CHECKING:
    from wompcore.config import LlmSettings
    from wompcore.http import TrustedSession

_MESSAGES = "/messages"
_VERSION = "2023-06-01"


class Anthropic:
    """The provider for one endpoint.

    Args:
        session: Trusts the endpoint's origin.
        settings: Base URL, key, time limits.
        clock: Real time, to read ``Retry-After`` dates.
    """

    def __init__(self, session: TrustedSession, settings: LlmSettings, clock: Clock | None = None) -> None:
        key = settings.api_key.get_secret_value()
        headers = {"anthropic-version": _VERSION, **({"x-api-key": key} if key else {})}
        self._extra = settings.extra_body
        self._leave_out = settings.leave_out
        self._endpoint = Endpoint(session, settings.base_url, key, headers, settings.read_timeout_s, clock)

    @property
    def name(self) -> str:
        """The endpoint's host."""
        return self._endpoint.name

    @property
    def address(self) -> str:
        """The API root."""
        return self._endpoint.root

    def encode(self, request: ChatRequest, model: str, *, stream: bool = False) -> bytes:
        """Return the request's JSON body; see :class:`wompcore.llm.Provider`."""
        return encode(request, model, stream=stream, extra=self._extra, leave_out=self._leave_out)

    async def complete(self, body: bytes) -> ProviderAnswer:
        """Send the body and read the message; see :class:`wompcore.llm.Provider`."""
        return await self._endpoint.post(
            _MESSAGES, body, lambda answer: decode(answer, sent=len(body), provider=self.name)
        )

    def stream(self, body: bytes, *, first_token_s: float, idle_s: float) -> AsyncGenerator[Delta, None]:
        """Send the body and hand on the pieces; see :class:`wompcore.llm.Provider`."""
        return self._endpoint.stream(
            _MESSAGES,
            body,
            read_event=MessageEvents(self.name).read,
            read_whole=lambda answer: as_delta(decode(answer, sent=len(body), provider=self.name)),
            first_token_s=first_token_s,
            idle_s=idle_s,
        )

    async def probe(self, model: str) -> str:
        """Fetch the list of models with the key; see :class:`wompcore.llm.Provider`."""
        return await self._endpoint.find_model(model)
