"""Any server that speaks the chat completions API: OpenRouter, Ollama, vLLM, llama.cpp, LiteLLM proxy."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wompcore.clock import Clock
from wompcore.llm.media import Audio, Embeddings, Transcript
from wompcore.llm.providers.chat_completions import decode, encode
from wompcore.llm.providers.chunks import read_chunk
from wompcore.llm.providers.endpoint import Endpoint
from wompcore.llm.providers.media_format import (
    decode_embeddings,
    decode_transcript,
    encode_audio,
    encode_texts,
    form_type,
)
from wompcore.llm.reply import Delta, ProviderAnswer
from wompcore.llm.request import ChatRequest
from wompcore.llm.stream import as_delta

if TYPE_CHECKING:
    from wompcore.config import LlmSettings
    from wompcore.http import TrustedSession

_CHAT = "/chat/completions"
_KEY_PATHS = {"openrouter.ai": "/key"}  # hosts whose list of models is open to all: where a key shows
_HOST_EXTRAS: Mapping[str, Mapping[str, Any]] = {"openrouter.ai": {"usage": {"include": True}}}
"""Sent to hosts that tell what a call cost only when asked; others refuse fields they do not know."""
_LIMIT_NAMES = {"api.openai.com": "max_completion_tokens"}  # its reasoning models refuse the old name


class OpenAiStyle:
    """The provider for one endpoint.

    Args:
        session: Trusts the endpoint's origin.
        settings: Base URL, key, time limits.
        clock: Real time, to read ``Retry-After`` dates.
    """

    def __init__(self, session: TrustedSession, settings: LlmSettings, clock: Clock | None = None) -> None:
        key = settings.api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._endpoint = Endpoint(session, settings.base_url, key, headers, settings.read_timeout_s, clock)
        self._limit = settings.limit_name or _LIMIT_NAMES.get(self.name, "max_tokens")
        self._leave_out = settings.leave_out
        self._extra = {**_HOST_EXTRAS.get(self.name, {}), **settings.extra_body}

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
        return encode(
            request, model, stream=stream, limit=self._limit, extra=self._extra, leave_out=self._leave_out
        )

    async def complete(self, body: bytes) -> ProviderAnswer:
        """Send the body and read the completion; see :class:`wompcore.llm.Provider`."""
        return await self._endpoint.post(
            _CHAT, body, lambda answer: decode(answer, sent=len(body), provider=self.name)
        )

    def stream(self, body: bytes, *, first_token_s: float, idle_s: float) -> AsyncGenerator[Delta, None]:
        """Send the body and hand on the pieces; see :class:`wompcore.llm.Provider`."""
        return self._endpoint.stream(
            _CHAT,
            body,
            read_event=lambda data: read_chunk(data, self.name),
            read_whole=lambda answer: as_delta(decode(answer, sent=len(body), provider=self.name)),
            first_token_s=first_token_s,
            idle_s=idle_s,
        )

    def encode_texts(self, texts: Sequence[str], model: str, *, dimensions: int | None = None) -> bytes:
        """Return a request for embeddings; see :class:`wompcore.llm.MediaProvider`."""
        return encode_texts(texts, model, dimensions)

    async def embed(self, body: bytes) -> Embeddings:
        """Send it and read the vectors; see :class:`wompcore.llm.MediaProvider`."""
        return await self._endpoint.post(
            "/embeddings", body, lambda answer: decode_embeddings(answer, sent=body, provider=self.name)
        )

    def encode_audio(self, audio: Audio, model: str, *, language: str = "") -> bytes:
        """Return a request for a transcription; see :class:`wompcore.llm.MediaProvider`."""
        return encode_audio(audio, model, language)

    async def transcribe(self, body: bytes) -> Transcript:
        """Send it and read the words; see :class:`wompcore.llm.MediaProvider`."""
        return await self._endpoint.post(
            "/audio/transcriptions",
            body,
            lambda answer: decode_transcript(answer, provider=self.name),
            content_type=form_type(body),
        )

    async def probe(self, model: str) -> str:
        """Fetch the list of models with the key; see :class:`wompcore.llm.Provider`."""
        key_path = _KEY_PATHS.get(self.name)
        if key_path:
            await self._endpoint.get(key_path)
        return await self._endpoint.find_model(model)
