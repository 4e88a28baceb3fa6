"""The one path to a model, over real HTTP and a real ledger."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import repeat

import pytest
from aiohttp import web

from llm_client import OpenClient, asking
from loopback import serve
from wompcore.clock import SteppedClock
from wompcore.config import CostSettings
from wompcore.costs import Ledger, PriceBook
from wompcore.db import Database
from wompcore.ids import EntryIds
from wompcore.llm import (
    BreakerOpen,
    ChatRequest,
    Message,
    ModelBusy,
    ModelRateLimited,
    ModelUnavailable,
    ToolSpec,
    UnknownPrice,
)
from wompcore.llm.offline import Fault, offline_server
from wompcore.money import usd
from wompcore.repos.costs import CostRepository

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
DOWN = Fault(status=503)


def answer(**more: object) -> bytes:
    choice = {"message": {"content": "hi"}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], **more}).encode()


async def test_a_failing_endpoint_is_asked_again_with_the_same_bytes(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[DOWN, DOWN], record=9) as server,
        open_client(server.base_url) as client,
    ):
        reply = await client.chat.complete(asking("größe?", temperature=0.2, stop=("X",), seed=3))
    assert "stand-in" in reply.text
    assert reply.attempts == 3
    assert len(server.recorded) == 3
    assert len({request.body for request in server.recorded}) == 1
    assert client.waits == [0.5, 1.0]


@pytest.mark.parametrize("header", ["5", format_datetime(NOW + timedelta(seconds=5), usegmt=True)])
async def test_a_rate_limit_is_waited_for_as_asked(open_client: OpenClient, header: str) -> None:
    limited = Fault(status=429, headers={"Retry-After": header})
    async with (
        offline_server(faults=[limited]) as server,
        open_client(server.base_url, clock=SteppedClock(NOW)) as client,
    ):
        await client.chat.complete(asking())
    assert client.waits == [5.0]


@pytest.mark.parametrize(("asked_s", "deadline_s"), [(15, 10), (600, 60)])
async def test_a_rate_limit_beyond_the_deadline_is_told_at_once(
    open_client: OpenClient, asked_s: int, deadline_s: float
) -> None:
    limited = Fault(status=429, headers={"Retry-After": str(asked_s)})
    async with offline_server(faults=[limited]) as server, open_client(server.base_url) as client:
        with pytest.raises(ModelRateLimited) as caught:
            await client.chat.complete(asking(deadline_s=deadline_s))
    assert client.waits == []
    assert caught.value.retry_after_s == asked_s


async def test_a_broken_connection_is_tried_again(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[Fault(disconnect=True)]) as server,
        open_client(server.base_url) as client,
    ):
        assert (await client.chat.complete(asking())).attempts == 2


async def test_silence_ends_at_the_deadline(open_client: OpenClient, ledger: Ledger) -> None:
    async with offline_server(faults=[Fault(delay_s=60)]) as server, open_client(server.base_url) as client:
        with pytest.raises(ModelUnavailable, match="deadline"):
            await client.chat.complete(asking(deadline_s=0.1))
        assert server.requests == 1
    assert ledger.open_calls == 0


async def test_after_five_failures_the_sixth_call_fails_without_a_request(open_client: OpenClient) -> None:
    clock = SteppedClock(NOW)
    faults = [*[DOWN] * 5, Fault(delay_s=0.1)]
    async with (
        offline_server(faults=faults) as server,
        open_client(server.base_url, clock=clock, attempts=1) as client,
    ):
        for _ in range(5):
            with pytest.raises(ModelUnavailable):
                await client.chat.complete(asking())
        with pytest.raises(BreakerOpen) as caught:
            await client.chat.complete(asking())
        assert server.requests == 5
        assert caught.value.retry_after_s == 30
        assert client.chat.breakers() == {(server.base_url, "offline-1"): "open"}

        clock.advance_to(NOW + timedelta(seconds=30))
        outcomes = await asyncio.gather(
            *(client.chat.complete(asking()) for _ in range(9)), return_exceptions=True
        )
        assert server.requests == 6
        assert sum(isinstance(outcome, BreakerOpen) for outcome in outcomes) == 8
        assert client.chat.breakers() == {(server.base_url, "offline-1"): "closed"}


async def test_a_refusal_does_not_open_the_breaker(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=repeat(Fault(status=400), 9)) as server,
        open_client(server.base_url) as client,
    ):
        await asyncio.gather(*(client.chat.complete(asking()) for _ in range(9)), return_exceptions=True)
        assert client.chat.breakers() == {(server.base_url, "offline-1"): "closed"}


async def test_the_fallback_model_answers_when_the_first_is_unavailable(
    open_client: OpenClient, db: Database
) -> None:
    async with (
        offline_server(faults=[DOWN] * 3, record=9) as server,
        open_client(server.base_url, fallback_model="other") as client,
    ):
        reply = await client.chat.complete(asking())
    assert reply.attempts == 4
    assert [json.loads(request.body)["model"] for request in server.recorded] == ["offline-1"] * 3 + ["other"]
    assert await db.fetch_all("SELECT model FROM cost_entries") == [("other",)]


async def test_the_request_of_a_fallback_differs_in_the_model_only(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[DOWN], record=9) as server,
        open_client(server.base_url, fallback_model="other", attempts=1) as client,
    ):
        await client.chat.complete(asking(seed=4, max_tokens=50))
    first, second = (json.loads(request.body) for request in server.recorded)
    assert first | {"model": "other"} == second


async def test_no_more_calls_are_in_flight_than_allowed_and_they_go_in_turn(open_client: OpenClient) -> None:
    in_flight, most, order = 0, 0, []

    async def busy(request: web.Request) -> web.Response:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        order.append(json.loads(await request.read())["messages"][0]["content"])
        await asyncio.sleep(0.01)
        in_flight -= 1
        return web.Response(body=answer())

    async with serve(busy) as origin, open_client(origin, concurrency=2) as client:
        await asyncio.gather(*(client.chat.complete(asking(f"{n:02}")) for n in range(12)))
    assert most == 2
    assert [int(text) // 2 for text in order] == [n // 2 for n in range(12)]


async def test_a_call_that_never_gets_its_turn_is_told_so(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[Fault(delay_s=0.5)]) as server,
        open_client(server.base_url, concurrency=1) as client,
    ):
        slow = asyncio.create_task(client.chat.complete(asking()))
        await asyncio.sleep(0.05)
        with pytest.raises(ModelBusy):
            await client.chat.complete(asking(deadline_s=0.1))
        assert (await slow).attempts == 1


async def test_cancelling_the_call_cancels_the_request_and_records_what_it_may_cost(
    open_client: OpenClient, ledger: Ledger, db: Database
) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return web.Response()

    async with serve(slow) as origin, open_client(origin) as client:
        call = asyncio.create_task(client.chat.complete(asking()))
        await begun.wait()
        call.cancel()
        await cancelled.wait()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert ledger.open_calls == 0
    [entry] = await db.fetch_all("SELECT outcome, estimated, input_tokens > 0 FROM cost_entries")
    assert entry == ("cancelled", True, True)


async def test_at_least_95_in_100_calls_reuse_a_connection(open_client: OpenClient) -> None:
    async with offline_server() as server, open_client(server.base_url, concurrency=5) as client:
        await asyncio.gather(*(client.chat.complete(asking()) for _ in range(200)))
    assert client.traffic.requests == 200
    assert client.traffic.connections <= 10


async def test_a_call_costs_what_the_provider_says_to_the_last_digit(
    open_client: OpenClient, db: Database
) -> None:
    body = answer(model="m-2", id="gen-1").replace(
        b'"id"', b'"usage":{"prompt_tokens":9,"completion_tokens":4,"cost":0.000123456789012345},"id"'
    )
    async with offline_server(faults=[Fault(body=body)]) as server, open_client(server.base_url) as client:
        reply = await client.chat.complete(asking())
    assert reply.cost == usd("0.000123456789012345")
    assert (reply.model, reply.request_id, reply.provider) == ("m-2", "gen-1", "127.0.0.1")
    rows = await db.fetch_all(
        "SELECT cost_usd, input_tokens, output_tokens, price_source, outcome FROM cost_entries"
    )
    assert rows == [(usd("0.000123456789012345"), 9, 4, "provider", "ok")]


async def test_usage_that_is_not_reported_is_recorded_as_estimated(
    open_client: OpenClient, db: Database
) -> None:
    async with (
        offline_server(faults=[Fault(body=answer())]) as server,
        open_client(server.base_url, model="some-model") as client,
    ):
        reply = await client.chat.complete(asking())
    assert reply.usage.estimated
    assert reply.cost > 0
    assert await db.fetch_value("SELECT estimated FROM cost_entries") is True


async def test_a_call_without_a_known_price_is_not_made(open_client: OpenClient, db: Database) -> None:
    strict = Ledger(CostRepository(db), PriceBook.shipped(CostSettings()), EntryIds(2), SteppedClock(NOW))
    async with offline_server() as server, open_client(server.base_url, pay=strict) as client:
        with pytest.raises(UnknownPrice):
            await client.chat.complete(asking(model="unheard-of"))
        assert server.requests == 0


async def test_a_tool_is_asked_for_run_and_answered(open_client: OpenClient) -> None:
    tool = ToolSpec(
        "get_weather",
        "The weather forecast of a place.",
        {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    )
    async with offline_server() as server, open_client(server.base_url) as client:
        first = asking("what is the weather in Berlin?", tools=(tool,))
        asked = await client.chat.complete(first)
        [call] = asked.tool_calls
        assert (asked.finish_reason, call.name, json.loads(call.arguments)) == (
            "tool_calls",
            "get_weather",
            {"place": "Berlin"},
        )
        turns = (
            *first.messages,
            Message("assistant", asked.text, tool_calls=asked.tool_calls),
            Message("tool", "21 degrees and sunny", tool_call_id=call.id),
        )
        told = await client.chat.complete(ChatRequest(turns, first.attribution, tools=(tool,)))
    assert told.tool_calls == ()
    assert "21 degrees and sunny" in told.text


async def test_a_huge_request_goes_through_whole(open_client: OpenClient) -> None:
    async with offline_server(record=1) as server, open_client(server.base_url) as client:
        await client.chat.complete(asking("ä\u0000" * 1_000_000))
        assert len(server.recorded[0].body) > 3_000_000
