"""The model, as a plugin reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TypeVar

from wompcore.llm import Audio, ChatClient, ChatRequest, Embeddings, Reply, ReplyStream, Route, Transcript
from wompcore.usage import Attribution

T = TypeVar("T")


class PluginModel:
    """The model, with every call attributed to the plugin. A route may lead to providers of its own.

    Args:
        client: The one client.
        plugin: The plugin's id.
    """

    def __init__(self, client: ChatClient, plugin: str) -> None:
        self._client = client
        self._plugin = plugin

    async def complete(self, request: ChatRequest, route: Route | None = None) -> Reply:
        """Send a request; see :meth:`wompcore.llm.ChatClient.complete`."""
        return await self._client.complete(self._own(request), route)

    def stream(
        self, request: ChatRequest, route: Route | None = None
    ) -> AbstractAsyncContextManager[ReplyStream]:
        """Send a request and read the reply as it comes; see :meth:`wompcore.llm.ChatClient.stream`."""
        return self._client.stream(self._own(request), route)

    async def ask(self, request: ChatRequest, shape: type[T], route: Route | None = None) -> T:
        """Ask for an answer of a given shape; see :meth:`wompcore.llm.ChatClient.ask`."""
        return await self._client.ask(self._own(request), shape, route)

    async def embed(
        self,
        texts: Sequence[str],
        attribution: Attribution,
        *,
        model: str = "",
        dimensions: int | None = None,
    ) -> Embeddings:
        """Turn texts into vectors; see :meth:`wompcore.llm.ChatClient.embed`."""
        return await self._client.embed(texts, self._as_own(attribution), model=model, dimensions=dimensions)

    async def transcribe(
        self, audio: Audio, attribution: Attribution, *, model: str = "", language: str = ""
    ) -> Transcript:
        """Turn speech into text; see :meth:`wompcore.llm.ChatClient.transcribe`."""
        return await self._client.transcribe(audio, self._as_own(attribution), model=model, language=language)

    def _own(self, request: ChatRequest) -> ChatRequest:
        return replace(request, attribution=self._as_own(request.attribution))

    def _as_own(self, attribution: Attribution) -> Attribution:
        return replace(attribution, plugin=self._plugin)
