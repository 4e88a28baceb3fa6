"""Row 3: a completion, and a streamed one, over kept-alive connections with 50 in flight.

CPU time of this process per call; the model is the offline server in a process of its own. The
baseline is aiohttp with nothing around it: post, then ``json``; for the stream, every line of it read
and parsed. The openai SDK and LiteLLM are measured in the same run where they are installed (``nox -s
bench`` does so), and shown only. Not covered: TLS, answers beyond a few kilobytes, and the server's side.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any, TypeAlias

import aiohttp

from benchmarks.measure import Goal, Result, alternate
from wompcore import ChatRequest, Core, CoreSettings, Message
from wompcore.config import HttpSettings, LlmSettings
from wompcore.costs import Call, Reservation
from wompcore.http import HttpSessions
from wompcore.llm import ChatClient, OpenAiStyle
from wompcore.money import ZERO, Usd
from wompcore.usage import Attribution, Purpose, Usage

ROW = 3
PROMISE = (
    "A completion costs at most 1.5 x the CPU of bare aiohttp, 5 x with its entry in PostgreSQL;"
    " a streamed one at most 2 x reading the same stream."
)

_CALLS = 1500
_CALLS_OF_PEERS = 300  # they take twenty times as long
_IN_FLIGHT = 50
_US = 1e6
_MESSAGES = [
    {"role": "system", "content": "You are a friendly bot in a chat of people who race cars. " * 20},
    {"role": "user", "content": "who are you, and what can you tell me about the race last night?"},
]
_BODY: dict[str, Any] = {"model": "offline-1", "messages": _MESSAGES, "max_tokens": 500, "temperature": 0.7}
_STREAMED: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
_REQUEST = ChatRequest(
    (Message("system", _MESSAGES[0]["content"]), Message("user", _MESSAGES[1]["content"])),
    Attribution(Purpose.CHAT),
    max_tokens=500,
    temperature=0.7,
)
_NOW = datetime.now(UTC)
_PRICE = {"default_price": {"input": "1", "output": "2"}}

Ask: TypeAlias = Callable[[], Awaitable[object]]
"""Makes one call and reads its answer to the end."""


class Free:
    """A ledger that admits everything and writes nothing: the client alone is measured."""

    async def reserve(self, calls: Sequence[Call]) -> list[Reservation]:
        return [Reservation(1, call, _NOW, ZERO, 0) for call in calls]

    async def settle(
        self,
        pairs: Sequence[tuple[Reservation, Usage]],
        outcome: str = "ok",
        *,
        within_s: float | None = None,
    ) -> list[Usd]:
        return [ZERO for _ in pairs]

    async def release(
        self, reservations: Sequence[Reservation], *, within_s: float | None = None
    ) -> None: ...


def run(rounds: int) -> Iterator[Result]:
    with offline_model() as base_url:

        def cpu(place: Callable[[str], Any], calls: int = _CALLS) -> Callable[[], float]:
            return lambda: asyncio.run(_cpu_per_call(place, base_url, calls))

        raw, alone = alternate(cpu(raw_completion), cpu(our_completion), rounds)
        yield Result(
            "completion, client alone", "us", "aiohttp post, json", raw, alone, Goal("ratio", "<=", 1.5)
        )
        raw, paid = alternate(cpu(raw_completion), cpu(our_paid_completion), rounds)
        yield Result("completion, settled", "us", "aiohttp post, json", raw, paid, Goal("ratio", "<=", 5))
        raw, ours = alternate(cpu(raw_stream), cpu(our_stream), rounds)
        yield Result("stream", "us", "aiohttp lines, json", raw, ours, Goal("ratio", "<=", 2))
        for name, (package, peer, their_stream) in PEERS.items():
            if find_spec(package) is None:
                print(f"  {name} is not installed, so it is not compared: nox -s bench -- {ROW} installs it")
                continue
            few = _CALLS_OF_PEERS
            raw, theirs = alternate(cpu(raw_completion, few), cpu(peer, few), rounds)
            yield Result(f"for comparison: {name}", "us", "aiohttp post, json", raw, theirs, None)
            raw, theirs = alternate(cpu(raw_stream, few), cpu(their_stream, few), rounds)
            yield Result(f"for comparison: {name}, stream", "us", "aiohttp lines, json", raw, theirs, None)


@contextmanager
def offline_model() -> Iterator[str]:
    """Run the offline server in a process of its own; yield its API root."""
    command = [sys.executable, "-m", "wompcore.llm.offline"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


async def _cpu_per_call(place: Callable[[str], Any], base_url: str, calls: int) -> float:
    async with place(base_url) as ask:
        await _ask_often(ask, 2 * _IN_FLIGHT)
        began = time.process_time()
        await _ask_often(ask, calls)
        return (time.process_time() - began) / calls * _US


async def _ask_often(ask: Ask, times: int) -> None:
    async def one_after_another(calls: Iterator[int]) -> None:
        for _ in calls:
            await ask()

    calls = iter(range(times))
    await asyncio.gather(*(one_after_another(calls) for _ in range(_IN_FLIGHT)))


# -- who is measured -----------------------------------------------------------------------------


@asynccontextmanager
async def raw_completion(base_url: str) -> AsyncIterator[Ask]:
    async with aiohttp.ClientSession() as session:

        async def ask() -> None:
            async with session.post(f"{base_url}/chat/completions", json=_BODY) as response:
                assert (await response.json())["choices"][0]["message"]["content"]

        yield ask


@asynccontextmanager
async def raw_stream(base_url: str) -> AsyncIterator[Ask]:
    body = _BODY | _STREAMED
    async with aiohttp.ClientSession() as session:

        async def ask() -> None:
            text = ""
            async with session.post(f"{base_url}/chat/completions", json=body) as response:
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        for choice in json.loads(line[6:])["choices"]:
                            text += choice["delta"].get("content") or ""
            assert text

        yield ask


@asynccontextmanager
async def our_client(base_url: str) -> AsyncIterator[ChatClient]:
    settings = LlmSettings(base_url=base_url, model="offline-1", concurrency=_IN_FLIGHT)
    async with HttpSessions.open(HttpSettings(), trusted_origins=[base_url]) as http:
        yield ChatClient(OpenAiStyle(http.trusted, settings), settings, Free())


@asynccontextmanager
async def our_completion(base_url: str) -> AsyncIterator[Ask]:
    async with our_client(base_url) as client:
        yield lambda: client.complete(_REQUEST)


@asynccontextmanager
async def our_stream(base_url: str) -> AsyncIterator[Ask]:
    async with our_client(base_url) as client:

        async def ask() -> None:
            async with client.stream(_REQUEST) as stream:
                async for _ in stream:
                    pass
            assert stream.reply.text

        yield ask


@asynccontextmanager
async def our_paid_completion(base_url: str) -> AsyncIterator[Ask]:
    llm = {"base_url": base_url, "model": "offline-1", "concurrency": _IN_FLIGHT}
    settings = CoreSettings.model_validate({"llm": llm, "costs": _PRICE})
    async with Core.open(settings, temporary=True) as core:
        yield lambda: core.llm.complete(_REQUEST)


@asynccontextmanager
async def openai_completion(base_url: str) -> AsyncIterator[Ask]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="none", base_url=base_url) as client:
        yield lambda: client.chat.completions.create(**_BODY)


@asynccontextmanager
async def openai_stream(base_url: str) -> AsyncIterator[Ask]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="none", base_url=base_url) as client:
        yield lambda: _read(client.chat.completions.create(**_BODY, **_STREAMED))


def _litellm() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # importing it asks its maker for prices otherwise
    import litellm

    return litellm


def _for_litellm(base_url: str) -> dict[str, Any]:
    return _BODY | {"model": "openai/offline-1", "api_base": base_url, "api_key": "none"}


@asynccontextmanager
async def litellm_completion(base_url: str) -> AsyncIterator[Ask]:
    litellm, body = _litellm(), _for_litellm(base_url)
    yield lambda: litellm.acompletion(**body)


@asynccontextmanager
async def litellm_stream(base_url: str) -> AsyncIterator[Ask]:
    litellm, body = _litellm(), _for_litellm(base_url) | _STREAMED
    yield lambda: _read(litellm.acompletion(**body))


async def _read(answering: Awaitable[Any]) -> None:
    """Read a peer's stream, whose chunks have one shape."""
    text = ""
    async for chunk in await answering:
        for choice in chunk.choices:
            text += choice.delta.content or ""
    assert text


PEERS = {
    "openai SDK": ("openai", openai_completion, openai_stream),
    "LiteLLM": ("litellm", litellm_completion, litellm_stream),
}
"""By name: the package, and how a completion and a stream of it are measured."""
