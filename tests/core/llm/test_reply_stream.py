"""A streamed reply is settled exactly once, however it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from llm_client import Client, OpenClient, asking
from loopback import serve
from wompcore.costs import Ledger
from wompcore.db import Database
from wompcore.llm import Delta, ModelError, ModelUnavailable, Route, StreamBroken
from wompcore.llm.offline import Fault, offline_server

ENTRIES = "SELECT outcome, estimated, output_tokens FROM cost_entries"


def event(text: str, finish_reason: str | None = None) -> bytes:
    choice = {"delta": {"content": text}, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def speaking(*words: str, then: Callable[[web.Request], Awaitable[None]]) -> Callable[..., object]:
    """Say some words, then do something that is not the end."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in words:
            await response.write(event(word))
        await then(request)
        return response

    return handle


async def read(client: Client, show: Callable[[Delta], object] = repr, **request: float) -> None:
    async with client.chat.stream(asking(**request)) as stream:
        async for delta in stream:
            show(delta)


async def hang(request: web.Request) -> None:
    await asyncio.sleep(60)


async def hang_up(request: web.Request) -> None:
    await asyncio.sleep(0.05)
    assert request.transport is not None
    request.transport.abort()


async def test_the_pieces_come_to_the_reply_and_its_cost(open_client: OpenClient, db: Database) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        async with client.chat.stream(asking()) as stream:
            text = "".join([delta.text async for delta in stream])
            assert stream.reply.text == text
            assert [delta async for delta in stream] == []
        whole = await client.chat.complete(asking())
    assert (whole.text, whole.usage, whole.cost) == (text, stream.reply.usage, stream.reply.cost)
    assert await db.fetch_all(ENTRIES) == [("ok", False, whole.usage.output)] * 2


async def test_a_failure_before_anything_is_shown_is_met_like_any_other(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[Fault(status=503), Fault(disconnect=True), Fault(status=503)]) as server,
        open_client(server.base_url) as client,
        client.chat.stream(asking(), Route.of("first", "second")) as stream,
    ):
        assert [delta async for delta in stream]
    assert stream.reply.attempts == 4
    assert [passed.model for passed in stream.reply.passed_over] == ["first"]


async def test_a_streamed_refusal_is_the_reply_as_it_may_have_been_shown(open_client: OpenClient) -> None:
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append((await request.json())["model"])
        body = event("I will not.") + event("", "content_filter") + b"data: [DONE]\n\n"
        return web.Response(body=body, content_type="text/event-stream")

    route = Route.of("a", "b", on_refusal=True)
    async with (
        serve(refuse) as origin,
        open_client(f"{origin}/v1") as client,
        client.chat.stream(asking(), route) as stream,
    ):
        assert "".join([delta.text async for delta in stream]) == "I will not."
    assert (stream.reply.finish_reason, stream.reply.passed_over) == ("content_filter", ())
    assert asked == ["a"]


SAYS_NO = b'data: {"choices": [{"delta": {"refusal": "I will not. "}}]}\n\n'
USED = b'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    "refusal",
    [event("", "content_filter"), event("No.", "refusal"), SAYS_NO + SAYS_NO + event("", "stop")],
    ids=["silent", "in one piece", "in a field of its own"],
)
async def test_a_refusal_that_nobody_saw_goes_to_the_next_model_where_the_route_says_so(
    open_client: OpenClient, db: Database, refusal: bytes
) -> None:
    async def handle(request: web.Request) -> web.Response:
        model = (await request.json())["model"]
        body = event("gladly", "stop") if model == "b" else refusal
        return web.Response(body=body + USED, content_type="text/event-stream")

    async with serve(handle) as origin, open_client(f"{origin}/v1") as client:

        async def answer(*models: str, on_refusal: bool) -> tuple[str, bool, list[str]]:
            async with client.chat.stream(asking(), Route.of(*models, on_refusal=on_refusal)) as stream:
                text = "".join([delta.text async for delta in stream])
            reply = stream.reply
            assert reply.text == text
            return text, await reply.refused(), [each.reason for each in reply.passed_over]

        assert await answer("a", "b", on_refusal=True) == ("gladly", False, ["refused"])
        words, refused, passed = await answer("a", "b", on_refusal=False)
        assert (refused, passed) == (True, [])
        assert await answer("a", "c", on_refusal=True) == (words, True, ["refused"])
    booked = await db.fetch_all("SELECT model, outcome, estimated, output_tokens FROM cost_entries")
    assert sorted(booked) == [(model, "ok", False, 3) for model in "aaabc"], "each is paid for once"


async def test_a_refusal_that_breaks_off_before_it_was_seen_is_met_like_any_failure(
    open_client: OpenClient,
) -> None:
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append((await request.json())["model"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(SAYS_NO)
        if len(asked) == 1:
            await hang_up(request)
        else:
            await response.write(event("", "stop") + USED)
        return response

    async with (
        serve(handle) as origin,
        open_client(f"{origin}/v1") as client,
        client.chat.stream(asking(), Route.of("a", "b", on_refusal=True)) as stream,
    ):
        assert "".join([delta.text async for delta in stream]) == "I will not. "
    assert asked == ["a", "a", "b"]


async def test_a_stream_that_breaks_off_is_not_begun_again(open_client: OpenClient, db: Database) -> None:
    async with serve(speaking("Once ", "upon", then=hang_up)) as origin, open_client(origin) as client:
        with pytest.raises(StreamBroken) as caught:
            await read(client)
    assert caught.value.text == "Once upon"
    assert caught.value.usage is not None
    assert await db.fetch_all(ENTRIES) == [("failed", True, caught.value.usage.output)]


async def test_leaving_early_ends_the_request_and_records_the_part(
    open_client: OpenClient, db: Database, ledger: Ledger
) -> None:
    async with (
        serve(speaking("Once ", "upon", then=hang)) as origin,
        open_client(origin) as client,
        client.chat.stream(asking()) as stream,
    ):
        assert (await anext(stream)).text == "Once "
        with pytest.raises(ModelError, match="read to its end"):
            _ = stream.reply
    assert await db.fetch_all("SELECT outcome, estimated FROM cost_entries") == [("cancelled", True)]
    assert ledger.open_calls == 0


async def test_an_error_of_the_reader_records_the_part(open_client: OpenClient, db: Database) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        with pytest.raises(ZeroDivisionError):
            await read(client, lambda delta: 1 / 0)
    assert await db.fetch_all("SELECT outcome FROM cost_entries") == [("cancelled",)]


@pytest.mark.parametrize("words", [(), ("Once ",)])
async def test_a_cancelled_reader_records_the_part(
    open_client: OpenClient, db: Database, ledger: Ledger, words: tuple[str, ...]
) -> None:
    begun = asyncio.Event()

    async def begin(request: web.Request) -> None:
        begun.set()
        await hang(request)

    async with serve(speaking(*words, then=begin)) as origin, open_client(origin) as client:
        reader = asyncio.create_task(read(client))
        await begun.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
    assert await db.fetch_all("SELECT outcome, estimated FROM cost_entries") == [("cancelled", True)]
    assert ledger.open_calls == 0


@pytest.mark.parametrize("words", [(), ("Once ",)])
async def test_the_deadline_holds_for_the_whole_stream(
    open_client: OpenClient, words: tuple[str, ...], ledger: Ledger
) -> None:
    async with serve(speaking(*words, then=hang)) as origin, open_client(origin) as client:
        began = time.monotonic()
        with pytest.raises((StreamBroken, ModelUnavailable), match="deadline"):
            await read(client, deadline_s=0.3)
        assert 0.3 <= time.monotonic() - began < 0.4
    assert ledger.open_calls == 0


async def test_a_stream_keeps_its_turn_until_it_ends(open_client: OpenClient) -> None:
    async with offline_server() as server, open_client(server.base_url, concurrency=1) as client:
        async with client.chat.stream(asking()) as stream:
            second = asyncio.create_task(client.chat.complete(asking()))
            async for _ in stream:
                assert server.requests == 1
        await second
        for _ in range(3):
            async with client.chat.stream(asking()) as stream:
                await anext(stream)
        assert (await client.chat.complete(asking())).text
