"""The stand-in behind an OpenAI-compatible HTTP server on loopback: for the demo and for tests."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from wompcore.llm.offline import wire
from wompcore.llm.offline.answers import WHO_I_AM
from wompcore.llm.offline.embedding import DEFAULT_DIMENSIONS, embed
from wompcore.llm.offline.model import OfflineAnswer, OfflineModel
from wompcore.observe.serving import serving

MODEL = "offline-1"
EMBEDDING_MODEL = "offline-embedding-1"

_MAX_BODY = 16 * 2**20
_MAX_DIMENSIONS = 4096
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """How the server misbehaves for one request.

    Args:
        status: Answer with this status instead of the real answer.
        headers: Sent with it.
        body: Sent with it; a body alone comes with status 200.
        delay_s: Seconds of silence first; alone, the real answer follows.
        disconnect: Close the connection without a word.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    disconnect: bool = False


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came in.

    Args:
        path: Such as ``/v1/chat/completions``.
        headers: By name, in any case.
        body: Byte for byte.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes


class OfflineServer:
    """The running server; made by :func:`offline_server`.

    Args:
        model_name: What it calls its chat model; it answers for every name and says so.
        api_key: The bearer key it insists on; empty for none.
        faults: How it misbehaves, one entry per request, ``None`` for a good answer; after the last
            one all is well.
        record: How many of the latest requests are kept in ``recorded``.

    Attributes:
        script: Answers that are given, in this order, before the model thinks of its own.
    """

    def __init__(
        self,
        model_name: str = MODEL,
        *,
        api_key: str = "",
        faults: Iterable[Fault | None] = (),
        record: int = 0,
    ) -> None:
        self.base_url = ""
        self.model_name = model_name
        self.requests = 0
        self.recorded: deque[RecordedRequest] = deque(maxlen=record)
        self.script: deque[OfflineAnswer] = deque()
        self._api_key = api_key
        self._faults = iter(faults)
        self._model = OfflineModel()

    def app(self) -> web.Application:
        """Return the server's routes."""
        app = web.Application(client_max_size=_MAX_BODY, middlewares=[self._watch])
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_post("/v1/audio/transcriptions", self._transcription)
        app.router.add_get("/v1/models", self._models)
        return app

    @web.middleware
    async def _watch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests += 1
        if self.recorded.maxlen:
            body = await request.read()
            self.recorded.append(RecordedRequest(request.path, request.headers.copy(), body))
        if fault := next(self._faults, None):
            await asyncio.sleep(fault.delay_s)
            if fault.disconnect and request.transport is not None:
                request.transport.abort()
            if fault.disconnect or fault.status is not None or fault.body:
                return web.Response(status=fault.status or 200, headers=fault.headers, body=fault.body)
        if self._api_key and request.headers.get("Authorization") != f"Bearer {self._api_key}":
            return _refuse("no such key", "invalid_api_key", 401)
        response: web.StreamResponse = await handler(request)
        return response

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = _object(await request.read())
        if body is None or not isinstance(body.get("messages"), list) or not body["messages"]:
            return _refuse("'messages' must be a list of at least one message", "invalid_request_error", 400)
        answer = self.script.popleft() if self.script else self._model.answer(body)
        if not body.get("stream"):
            return web.json_response(wire.completion(answer, self.model_name, self.requests))
        options = body.get("stream_options")
        with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in wire.events(answer, self.model_name, self.requests, with_usage=with_usage):
            await response.write(event)
        await response.write_eof()
        return response

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        body = _object(await request.read()) or {}
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            return _refuse("'input' must be a text or a list of texts", "invalid_request_error", 400)
        dimensions = body.get("dimensions") or DEFAULT_DIMENSIONS
        if not isinstance(dimensions, int) or not 1 <= dimensions <= _MAX_DIMENSIONS:
            return _refuse(f"'dimensions' must be 1 to {_MAX_DIMENSIONS}", "invalid_request_error", 400)
        vectors = [embed(text, dimensions) for text in texts]
        tokens = sum(len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN + 1 for text in texts)
        as_base64 = body.get("encoding_format") == "base64"
        return web.json_response(wire.embeddings(vectors, EMBEDDING_MODEL, tokens, as_base64=as_base64))

    async def _transcription(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        audio = form.get("file")
        if not isinstance(audio, web.FileField):
            return _refuse("'file' must be a recording", "invalid_request_error", 400)
        size = len(audio.file.read())
        return web.json_response({"text": f"{WHO_I_AM} I cannot listen to {audio.filename}, {size} bytes."})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(wire.models([self.model_name, EMBEDDING_MODEL]))


@asynccontextmanager
async def offline_server(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    model_name: str = MODEL,
    api_key: str = "",
    faults: Iterable[Fault | None] = (),
    record: int = 0,
) -> AsyncIterator[OfflineServer]:
    """Run the stand-in as an HTTP server; see :class:`OfflineServer` for the other arguments.

    Args:
        host: Where to listen.
        port: The port; 0 for any free one.
        model_name: Name of the chat model.
        api_key: The key to insist on.
        faults: A script of misbehaviour.
        record: Requests to keep.

    Raises:
        PortTaken: Nothing can listen there.
    """
    server = OfflineServer(model_name, api_key=api_key, faults=faults, record=record)
    async with serving(server.app(), host, port) as origin:
        server.base_url = f"{origin}/v1"
        yield server


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refuse(message: str, kind: str, status: int) -> web.Response:
    return web.json_response(wire.failure(message, kind, status), status=status)
