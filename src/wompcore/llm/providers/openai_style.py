"""Any server that speaks the chat completions API: OpenRouter, Ollama, vLLM, llama.cpp, LiteLLM proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never
from urllib.parse import urlsplit

from wompcore.clock import Clock, SystemClock
from wompcore.errors import AnswerTooLarge, ModelAnswerInvalid, ModelUnavailable, TransportFailed
from wompcore.llm.providers.chat_completions import decode, encode
from wompcore.llm.providers.failure import error_of_status, json_object, kind_of
from wompcore.llm.reply import ProviderAnswer
from wompcore.llm.request import ChatRequest
from wompcore.llm.retry import retry_after_s

if TYPE_CHECKING:
    from wompcore.config import LlmSettings
    from wompcore.http import HttpAnswer, TrustedSession

_PROBE_TIMEOUT_S = 5.0
_KEY_PATHS = {"openrouter.ai": "/key"}  # hosts whose list of models is open to all: where a key shows


class OpenAiStyle:
    """The provider for one endpoint.

    Args:
        session: Trusts the endpoint's origin.
        settings: Base URL, key, time limits.
        clock: Real time, to read ``Retry-After`` dates.
    """

    def __init__(self, session: TrustedSession, settings: LlmSettings, clock: Clock | None = None) -> None:
        self._session = session
        self._root = settings.base_url.rstrip("/")
        self._url = f"{self._root}/chat/completions"
        self._key = settings.api_key.get_secret_value()
        self._headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._read_timeout_s = settings.read_timeout_s
        self._clock = clock or SystemClock()
        self._name = urlsplit(self._root).hostname or self._root

    @property
    def name(self) -> str:
        """The endpoint's host."""
        return self._name

    def encode(self, request: ChatRequest, model: str) -> bytes:
        """Return the request's JSON body; see :class:`wompcore.llm.Provider`."""
        return encode(request, model)

    async def complete(self, body: bytes) -> ProviderAnswer:
        """Send the body and read the completion; see :class:`wompcore.llm.Provider`."""
        try:
            answer = await self._session.post_json(
                self._url, body, headers=self._headers, read_timeout_s=self._read_timeout_s
            )
        except TransportFailed as error:
            self._give_up(error)
        self._expect_200(answer)
        return decode(answer.body, sent=len(body), provider=self._name)

    async def probe(self, model: str) -> str:
        """Fetch the list of models with the key; see :class:`wompcore.llm.Provider`."""
        key_path = _KEY_PATHS.get(self._name)
        if key_path:
            await self._get(key_path)
        answer = await self._get("/models")
        listed = json_object(answer.body)
        if listed is None or not isinstance(listed.get("data"), list):
            raise ModelAnswerInvalid(
                f"{self._name} answered with {kind_of(answer.body)}, not a list of models"
            )
        ids = {entry.get("id") for entry in listed["data"] if isinstance(entry, dict)}
        found = "is one of them" if model in ids else "is not among them"
        return f"{self._name} answers with {len(ids)} models; {model} {found}"

    async def _get(self, path: str) -> HttpAnswer:
        try:
            answer = await self._session.get(
                self._root + path, headers=self._headers, read_timeout_s=_PROBE_TIMEOUT_S
            )
        except TransportFailed as error:
            self._give_up(error)
        self._expect_200(answer)
        return answer

    def _give_up(self, error: TransportFailed) -> Never:
        if isinstance(error, AnswerTooLarge):
            raise ModelAnswerInvalid(str(error)) from error
        raise ModelUnavailable(str(error), retryable=error.retryable) from error

    def _expect_200(self, answer: HttpAnswer) -> None:
        if answer.status != 200:
            body = answer.body.replace(self._key.encode(), b"***") if self._key else answer.body
            raise error_of_status(
                answer.status,
                body,
                provider=self._name,
                retry_after_s=retry_after_s(answer.headers.get("Retry-After"), self._clock.now()),
            )
