"""Servers that misbehave while they answer in one piece."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from loopback import Handler, serve
from wompcore.config import HttpSettings, LlmSettings
from wompcore.http import HttpSessions
from wompcore.llm import ModelAnswerInvalid, ModelUnavailable, OpenAiStyle, ToolCall

CALL = {"id": "c", "function": {"name": "dice", "arguments": "{}"}}
MESSAGE = {"content": None, "tool_calls": [CALL]}
GOOD = json.dumps({"choices": [{"message": MESSAGE, "finish_reason": "tool_calls"}]}).encode()


@asynccontextmanager
async def provider_for(handle: Handler) -> AsyncIterator[OpenAiStyle]:
    async with serve(handle) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        yield OpenAiStyle(http.trusted, LlmSettings(base_url=origin, read_timeout_s=0.3))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("identity", GOOD), ("gzip", gzip.compress(GOOD)), ("deflate", zlib.compress(GOOD))],
)
async def test_a_null_text_with_tool_calls_arrives_byte_by_byte_in_any_encoding(
    encoding: str, body: bytes
) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": encoding})
        await response.prepare(request)
        for at in range(len(body)):
            await response.write(body[at : at + 1])
            await asyncio.sleep(0)
        return response

    async with provider_for(handle) as provider:
        answer = await provider.complete(b"{}")
    assert (answer.text, answer.tool_calls) == ("", (ToolCall("c", "dice", "{}"),))
    assert answer.usage.estimated


async def test_a_body_without_end_is_given_up() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" " * 1_000_000)

    async with provider_for(handle) as provider:
        with pytest.raises(ModelAnswerInvalid, match="larger than 16,777,216 bytes"):
            await provider.complete(b"{}")


async def test_a_small_body_that_unpacks_without_end_is_given_up() -> None:
    bomb = gzip.compress(b" " * 40_000_000)

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with provider_for(handle) as provider:
        with pytest.raises(ModelAnswerInvalid, match="larger than"):
            await provider.complete(b"{}")


@pytest.mark.parametrize("begun", [b"", GOOD[:20]])
async def test_a_connection_that_breaks_or_falls_silent_may_be_tried_again(begun: bytes) -> None:
    async def reset(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(GOOD))})
        await response.prepare(request)
        await response.write(begun)
        assert request.transport is not None
        request.transport.abort()
        return response

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(GOOD))})
        await response.prepare(request)
        await response.write(begun)
        await asyncio.sleep(60)
        return response

    for handle in (reset, silent):
        async with provider_for(handle) as provider:
            with pytest.raises(ModelUnavailable) as caught:
                await provider.complete(b"{}")
        assert caught.value.retryable
