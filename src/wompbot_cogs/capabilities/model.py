"""The model, as a plugin reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel

from wompcore.llm import Audio, ChatClient, ChatRequest, Embeddings, Reply, ReplyStream, Transcript
from wompcore.usage import Attribution

M = TypeVar("M", bound=BaseModel)


class PluginModel:
    """The model, with every call attributed to the plugin, and so within its budget.

    Args:
        client: The one client.
        plugin: The plugin's id.
    """

    def __init__(self, client: ChatClient, plugin: str) -> None:
        self._client = client
        self._plugin = plugin

    async def complete(self, request: ChatRequest) -> Reply:
        """Send a request; see :meth:`wompcore.llm.ChatClient.complete`."""
        return await self._client.complete(self._attributed(request))

    def stream(self, request: ChatRequest) -> AbstractAsyncContextManager[ReplyStream]:
        """Send a request and read the reply while it arrives; see :meth:`wompcore.llm.ChatClient.stream`."""
        return self._client.stream(self._attributed(request))

    async def ask(self, request: ChatRequest, shape: type[M]) -> M:
        """Ask for an answer of a given shape; see :meth:`wompcore.llm.ChatClient.ask`."""
        return await self._client.ask(self._attributed(request), shape)

    async def embed(
        self,
        texts: Sequence[str],
        attribution: Attribution,
        *,
        model: str = "",
        dimensions: int | None = None,
    ) -> Embeddings:
        """Turn texts into vectors; see :meth:`wompcore.llm.ChatClient.embed`."""
        return await self._client.embed(texts, self._owned(attribution), model=model, dimensions=dimensions)

    async def transcribe(
        self, audio: Audio, attribution: Attribution, *, model: str = "", language: str = ""
    ) -> Transcript:
        """Turn speech into text; see :meth:`wompcore.llm.ChatClient.transcribe`."""
        return await self._client.transcribe(audio, self._owned(attribution), model=model, language=language)

    def _attributed(self, request: ChatRequest) -> ChatRequest:
        return replace(request, attribution=self._owned(request.attribution))

    def _owned(self, attribution: Attribution) -> Attribution:
        return replace(attribution, plugin=self._plugin)
