"""Servers that misbehave while they stream: each ends in the answer or in the error that says why."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from aiohttp import web

from llm_client import asking
from loopback import serve
from wompcore.config import HttpSettings, LlmSettings
from wompcore.http import HttpSessions
from wompcore.llm import (
    Assembly,
    Delta,
    ModelAnswerInvalid,
    ModelError,
    ModelRateLimited,
    ModelUnavailable,
    OpenAiStyle,
    ProviderAnswer,
    ToolCall,
)

Write = Callable[[bytes], Awaitable[None]]
Script = Callable[[Write], Awaitable[None]]

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "cost": 0.5}


def event(finish_reason: str | None = None, usage: object = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    body = {"id": "r1", "model": "m", "choices": [choice], "usage": usage}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


HELLO = [event(content="Grüße, "), event(content="日本"), event("stop")]
DONE = b"data: [DONE]\n\n"
GOOD = b"".join(HELLO) + DONE


@asynccontextmanager
async def provider_for(script: Script, **headers: str) -> AsyncIterator[OpenAiStyle]:
    """A provider whose endpoint streams as the script says; the connection ends with the script."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
        await response.prepare(request)
        await script(response.write)
        return response

    async with serve(handle) as origin, provider_at(origin) as provider:
        yield provider


@asynccontextmanager
async def provider_at(origin: str) -> AsyncIterator[OpenAiStyle]:
    async with HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        yield OpenAiStyle(
            http.trusted, LlmSettings.model_validate({"base_url": origin, "api_key": "sk-secret"})
        )


async def streamed(
    provider: OpenAiStyle, *, first_token_s: float = 5.0, idle_s: float = 5.0
) -> tuple[list[Delta], ProviderAnswer]:
    body = provider.encode(asking(max_tokens=9, temperature=0.0), "m", stream=True)
    assembly, deltas = Assembly(), []
    async for delta in provider.stream(body, first_token_s=first_token_s, idle_s=idle_s):
        assembly.add(delta)
        deltas.append(delta)
    return deltas, assembly.answer(len(body))


def playing(*chunks: bytes, pause_s: float = 0.0) -> Script:
    async def script(write: Write) -> None:
        for chunk in chunks:
            await write(chunk)
            await asyncio.sleep(pause_s)

    return script


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([GOOD], id="all at once"),
        pytest.param(bytewise(GOOD), id="one byte per packet"),
        pytest.param(bytewise(GOOD.replace(b"\n", b"\r\n")), id="CRLF"),
        pytest.param(bytewise(GOOD.replace(b"\n", b"\r")), id="CR"),
        pytest.param(
            [b": OPENROUTER PROCESSING\n\n", HELLO[0], b": still here\n\n", *HELLO[1:], DONE], id="comments"
        ),
        pytest.param(HELLO, id="DONE missing"),
        pytest.param([GOOD.removesuffix(b"\n\n")], id="last empty line missing"),
        pytest.param([GOOD, b"\n\n", b": bye\n\n"], id="more after the end"),
    ],
)
async def test_a_stream_is_understood_however_it_comes(chunks: list[bytes]) -> None:
    async with provider_for(playing(*chunks)) as provider:
        deltas, answer = await streamed(provider)
    assert (answer.text, answer.finish_reason, answer.model, answer.request_id) == (
        "Grüße, 日本",
        "stop",
        "m",
        "r1",
    )
    assert [delta.text for delta in deltas if delta.text] == ["Grüße, ", "日本"]
    assert answer.usage.estimated


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_stream_is_understood(encoding: str) -> None:
    packed = gzip.compress(GOOD) if encoding == "gzip" else zlib.compress(GOOD)
    async with provider_for(playing(packed[:30], packed[30:]), **{"Content-Encoding": encoding}) as provider:
        assert (await streamed(provider))[1].text == "Grüße, 日本"


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([*HELLO, event(usage=USAGE), DONE], id="in its place"),
        pytest.param(
            [*HELLO, b'data: {"choices":[],"usage":%s}\n\n' % json.dumps(USAGE).encode()], id="alone"
        ),
        pytest.param([*HELLO[:2], event("stop", USAGE), DONE], id="with the end"),
        pytest.param(
            [event(content="Grüße, ", usage={"prompt_tokens": 7}), HELLO[1], event("stop", USAGE)],
            id="growing",
        ),
    ],
)
async def test_usage_may_come_in_many_places(chunks: list[bytes]) -> None:
    async with provider_for(playing(*chunks)) as provider:
        usage = (await streamed(provider))[1].usage
    assert (usage.input, usage.output, str(usage.cost)) == (7, 3, "0.5")


async def test_arguments_in_fifty_fragments_arrive_as_one_call() -> None:
    arguments = json.dumps({"text": "日本" * 22}, ensure_ascii=False)
    head = {"index": 0, "id": "c", "type": "function", "function": {"name": "say", "arguments": ""}}
    parts = [{"index": 0, "function": {"arguments": character}} for character in arguments]
    events = [event(content=None, tool_calls=[part]) for part in [head, *parts]]
    async with provider_for(playing(*events, event("tool_calls"), DONE)) as provider:
        answer = (await streamed(provider))[1]
    assert len(parts) > 50
    assert answer.tool_calls == (ToolCall("c", "say", arguments),)
    assert (answer.text, answer.finish_reason) == ("", "tool_calls")


async def test_a_server_that_does_not_stream_is_read_whole() -> None:
    async def whole(request: web.Request) -> web.Response:
        assert (await request.json())["stream"] is True
        message = {"content": "hi", "tool_calls": [{"id": "c", "function": {"name": "a", "arguments": "{}"}}]}
        return web.json_response({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]})

    async with serve(whole) as origin, provider_at(origin) as provider:
        deltas, answer = await streamed(provider)
    assert (len(deltas), answer.text, answer.tool_calls) == (1, "hi", (ToolCall("c", "a", "{}"),))


# -- what cannot be understood -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "leaf", "said"),
    [
        pytest.param(playing(HELLO[0]), ModelUnavailable, "ended before", id="ends early"),
        pytest.param(playing(), ModelUnavailable, "ended before", id="says nothing"),
        pytest.param(playing(b": hi\n\n" * 9), ModelUnavailable, "ended before", id="only comments"),
        pytest.param(
            playing(HELLO[0], b'data: {"error":{"code":429,"message":"slow down"}}\n\n'),
            ModelRateLimited,
            "slow down",
            id="an error in mid stream",
        ),
        pytest.param(playing(b"data: {broken\n\n"), ModelAnswerInvalid, "streams", id="no JSON"),
        pytest.param(
            playing(*[b"x" * 1_000_000] * 17), ModelAnswerInvalid, "larger", id="a line without end"
        ),
    ],
)
async def test_a_stream_that_fails_says_why(script: Script, leaf: type[ModelError], said: str) -> None:
    async with provider_for(script) as provider:
        with pytest.raises(leaf, match=said) as caught:
            await streamed(provider)
    assert caught.value.hint
    assert caught.value.retryable is not isinstance(caught.value, ModelAnswerInvalid)


@pytest.mark.parametrize(
    ("response", "leaf", "said"),
    [
        pytest.param(
            {"text": "<!DOCTYPE html>", "content_type": "text/html"},
            ModelAnswerInvalid,
            "web page",
            id="HTML",
        ),
        pytest.param(
            {"text": '{"error":{"code":502,"message":"x"}}', "content_type": "application/json"},
            ModelUnavailable,
            "502",
            id="an error inside a 200",
        ),
        pytest.param({"status": 529, "text": "overloaded"}, ModelUnavailable, "529", id="529"),
    ],
)
async def test_an_answer_that_is_no_stream_says_why(response: Any, leaf: type[ModelError], said: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(**response)

    async with serve(handle) as origin, provider_at(origin) as provider:
        with pytest.raises(leaf, match=said):
            await streamed(provider)


async def test_a_429_says_when_to_come_back_and_keeps_the_key() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(
            status=429, headers={"Retry-After": "7"}, text=f"not {request.headers['Authorization']}"
        )

    async with serve(handle) as origin, provider_at(origin) as provider:
        with pytest.raises(ModelRateLimited) as caught:
            await streamed(provider)
    assert caught.value.retry_after_s == 7
    assert "sk-secret" not in str(caught.value)


async def test_a_key_that_is_echoed_in_mid_stream_is_not_shown() -> None:
    echo = b'data: {"error":{"code":401,"message":"sk-secret is no key"}}\n\n'
    async with provider_for(playing(HELLO[0], echo)) as provider:
        with pytest.raises(ModelError, match=r"\*\*\* is no key") as caught:
            await streamed(provider)
    assert "sk-secret" not in repr(caught.value)


async def test_signs_of_life_after_the_end_are_not_waited_out() -> None:
    chunks = [*HELLO, *[b": still here\n\n"] * 1000]
    async with provider_for(playing(*chunks, pause_s=0.1)) as provider:
        assert (await streamed(provider))[1].text == "Grüße, 日本"


async def test_what_never_stops_coming_after_the_last_event_is_not_read() -> None:
    chunks = [GOOD, *[b": still here\n\n"] * 1000]
    async with provider_for(playing(*chunks, pause_s=0.02)) as provider, asyncio.timeout(5):
        assert (await streamed(provider))[1].text == "Grüße, 日本"


async def test_a_reset_in_mid_stream_breaks_it_off_and_after_the_end_changes_nothing() -> None:
    async def reset_after(request: web.Request, *chunks: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        assert request.transport is not None
        request.transport.abort()
        return response

    async def early(request: web.Request) -> web.StreamResponse:
        return await reset_after(request, HELLO[0])

    async def late(request: web.Request) -> web.StreamResponse:
        return await reset_after(request, *HELLO)

    async with serve(early) as origin, provider_at(origin) as provider:
        with pytest.raises(ModelUnavailable) as caught:
            await streamed(provider)
        assert caught.value.retryable
    async with serve(late) as origin, provider_at(origin) as provider:
        assert (await streamed(provider))[1].text == "Grüße, 日本"


# -- silence -------------------------------------------------------------------------------------


async def test_a_slow_first_byte_is_not_waited_for() -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with serve(silent) as origin, provider_at(origin) as provider:
        with pytest.raises(ModelUnavailable, match="no answer in time"):
            await streamed(provider, first_token_s=0.1)


async def test_signs_of_life_are_no_first_token() -> None:
    signs = [b": still thinking\n\n", event(role="assistant", content="")] * 1000
    async with provider_for(playing(*signs, pause_s=0.02)) as provider:
        with pytest.raises(ModelUnavailable, match="no answer in time"):
            await streamed(provider, first_token_s=0.2, idle_s=60)


async def test_silence_after_the_beginning_has_its_own_limit() -> None:
    async with provider_for(playing(HELLO[0], DONE, pause_s=60)) as provider:
        with pytest.raises(ModelUnavailable, match="no answer in time") as caught:
            await streamed(provider, first_token_s=60, idle_s=0.1)
    assert caught.value.retryable


async def test_signs_of_life_keep_a_begun_answer_alive() -> None:
    chunks = [HELLO[0], *[b": still here\n\n"] * 20, *HELLO[1:]]
    async with provider_for(playing(*chunks, pause_s=0.02)) as provider:
        assert (await streamed(provider, first_token_s=0.2, idle_s=0.2))[1].text == "Grüße, 日本"


# -- connections ---------------------------------------------------------------------------------


async def test_streams_share_a_connection() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(GOOD)
        await asyncio.sleep(0.02)  # the body's end comes in a packet of its own
        return response

    async with serve(handle) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        provider = OpenAiStyle(http.trusted, LlmSettings(base_url=origin))
        for _ in range(10):
            await streamed(provider)
        assert (http.trusted.traffic[origin].requests, http.trusted.traffic[origin].connections) == (10, 1)


async def test_whoever_stops_reading_ends_the_request() -> None:
    ended = asyncio.Event()

    async def script(write: Write) -> None:
        try:
            await playing(*[HELLO[0]] * 10_000, pause_s=0.01)(write)
        finally:
            ended.set()

    async with provider_for(script) as provider:
        body = provider.encode(asking(max_tokens=9, temperature=0.0), "m", stream=True)
        deltas = provider.stream(body, first_token_s=5, idle_s=5)
        await anext(deltas)
        await deltas.aclose()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def handle(request: web.Request) -> web.Response:
        return web.Response()

    async with serve(handle, context) as origin, provider_at(origin) as provider:
        with pytest.raises(ModelUnavailable, match="certificate") as caught:
            await streamed(provider)
    assert not caught.value.retryable
