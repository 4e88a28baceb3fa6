"""Row 4: a provider that is down.

Wall time of a call while the breaker is open, against a call that asks anyway and is refused the
connection, the quickest of failures. Then the seconds from the first refused call to the next answer,
with an endpoint that fails five times and is back at once and a caller that asks every 10 ms: no more
than the time a breaker stays open. Not covered: breakers shared between processes, and the client's
own retries.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from benchmarks.bench_model_client import Free
from benchmarks.measure import Goal, Result, alternate
from wompcore import ChatRequest, Message
from wompcore.config import HttpSettings, LlmSettings
from wompcore.errors import BreakerOpen, ModelError
from wompcore.http import HttpSessions
from wompcore.llm import ChatClient, OpenAiStyle
from wompcore.llm.breaker import Breaker
from wompcore.llm.offline import Fault, offline_server
from wompcore.usage import Attribution, Purpose

ROW = 4
PROMISE = "While a provider is down calls fail in under 1 ms; it is used again within one probe interval."

_CALLS = 300
_NOBODY = "http://127.0.0.1:9/v1"
_FAILURES = Breaker().failures
_PAUSE_S = 0.01
_REQUEST = ChatRequest((Message("user", "hello"),), Attribution(Purpose.CHAT))


def run(rounds: int) -> Iterator[Result]:
    asking, refused = alternate(lambda: asyncio.run(_ms_asking()), lambda: asyncio.run(_ms_open()), rounds)
    yield Result("call while open", "ms", "connection refused", asking, refused, Goal("ours", "<=", 1))
    seconds = asyncio.run(_recoveries(rounds))
    limit = (Breaker().open_s,) * rounds
    yield Result("next answer after", "s", "one probe interval", limit, seconds, Goal("ratio", "<=", 1.01))


@asynccontextmanager
async def client_of(base_url: str) -> AsyncIterator[ChatClient]:
    settings = LlmSettings(base_url=base_url, attempts=1)
    async with HttpSessions.open(HttpSettings(), trusted_origins=[base_url]) as http:
        yield ChatClient(OpenAiStyle(http.trusted, settings), settings, Free())


async def _ms_asking() -> float:
    """Ask a model of its own each time, so that no breaker opens."""
    async with client_of(_NOBODY) as client:
        spent = [await _failing(client, f"m-{number}") for number in range(_CALLS)]
    return sum(seconds for seconds, _ in spent) / _CALLS * 1e3


async def _ms_open() -> float:
    async with client_of(_NOBODY) as client:
        for _ in range(_FAILURES):
            await _failing(client, "m")
        spent = [await _failing(client, "m") for _ in range(_CALLS)]
    assert all(isinstance(error, BreakerOpen) for _, error in spent)
    return sum(seconds for seconds, _ in spent) / _CALLS * 1e3


async def _failing(client: ChatClient, model: str) -> tuple[float, ModelError]:
    request = ChatRequest(_REQUEST.messages, _REQUEST.attribution, model=model)
    began = time.perf_counter()
    try:
        await client.complete(request)
    except ModelError as error:
        return time.perf_counter() - began, error
    raise AssertionError("nobody listens there")


async def _recoveries(rounds: int) -> tuple[float, ...]:
    return tuple(await asyncio.gather(*(_recovery_s() for _ in range(rounds))))


async def _recovery_s() -> float:
    faults = [Fault(status=503)] * _FAILURES
    async with offline_server(faults=faults) as server, client_of(server.base_url) as client:
        for _ in range(_FAILURES):
            await _failing(client, "m")
        began = time.monotonic()
        while True:
            try:
                await client.complete(ChatRequest(_REQUEST.messages, _REQUEST.attribution, model="m"))
            except BreakerOpen:
                await asyncio.sleep(_PAUSE_S)
            else:
                return time.monotonic() - began
