"""Which model answers, and why another did not."""

from __future__ import annotations

import json
from itertools import repeat

import pytest

from llm_client import OpenClient, asking
from wompcore.db import Database
from wompcore.llm import (
    BreakerOpen,
    Choice,
    ContextTooLong,
    ModelUnauthorized,
    ModelUnavailable,
    OpenAiStyle,
    Route,
)
from wompcore.llm.offline import Fault, offline_server

DOWN = Fault(status=503)
LIMITED = Fault(status=429, headers={"Retry-After": "90"})
TOO_LONG = Fault(status=400, body=b'{"error": {"message": "maximum context length is 8 tokens"}}')
NO = Fault(
    body=json.dumps(
        {
            "choices": [{"message": {"content": "no"}, "finish_reason": "content_filter"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 1},
        }
    ).encode()
)
TWO = Route.of("first", "second")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(DOWN, "unavailable"), (LIMITED, "rate_limited"), (TOO_LONG, "context_too_long")],
)
async def test_the_reply_says_who_was_passed_over_and_why(
    open_client: OpenClient, fault: Fault, reason: str
) -> None:
    async with (
        offline_server(faults=[fault], record=2) as server,
        open_client(server.base_url, attempts=1) as client,
    ):
        reply = await client.chat.complete(asking(deadline_s=30), TWO)
    assert [json.loads(sent.body)["model"] for sent in server.recorded] == ["first", "second"]
    [passed] = reply.passed_over
    assert (passed.model, passed.reason, passed.attempts) == ("first", reason, 1)
    assert passed.detail
    assert reply.attempts == 2


async def test_an_open_breaker_is_passed_over_without_a_request(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[DOWN] * 5) as server,
        open_client(server.base_url, attempts=1) as client,
    ):
        for _ in range(5):
            with pytest.raises(ModelUnavailable):
                await client.chat.complete(asking(model="first"))
        reply = await client.chat.complete(asking(), TWO)
        assert server.requests == 6
    assert [passed.reason for passed in reply.passed_over] == ["breaker_open"]


async def test_what_is_wrong_everywhere_ends_the_call(open_client: OpenClient) -> None:
    async with offline_server(faults=[Fault(status=401)]) as server, open_client(server.base_url) as client:
        with pytest.raises(ModelUnauthorized):
            await client.chat.complete(asking(), TWO)
        assert server.requests == 1


async def test_a_refusal_is_an_answer_unless_the_route_says_otherwise(
    open_client: OpenClient, db: Database
) -> None:
    async with offline_server(faults=[NO, NO]) as server, open_client(server.base_url) as client:
        assert (await client.chat.complete(asking(), TWO)).text == "no"
        reply = await client.chat.complete(asking(), Route.of("first", "second", on_refusal=True))
    assert [passed.reason for passed in reply.passed_over] == ["refused"]
    models = await db.fetch_all("SELECT model, count(*) FROM cost_entries GROUP BY 1 ORDER BY 1")
    assert models == [("first", 2), ("second", 1)], "a refusal is paid for as well"


async def test_when_nobody_answers_the_last_error_counts_every_attempt(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[DOWN, DOWN, DOWN, TOO_LONG]) as server,
        open_client(server.base_url) as client,
    ):
        with pytest.raises(ContextTooLong) as caught:
            await client.chat.complete(asking(), TWO)
    assert caught.value.attempts == 4


async def test_a_route_may_lead_to_another_provider_with_its_own_breaker(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=repeat(DOWN)) as broken,
        offline_server() as sound,
        open_client(sound.base_url) as other,
        open_client(broken.base_url, attempts=1) as client,
    ):
        there = OpenAiStyle(other.http.trusted, other.settings)
        route = Route((Choice("m"), Choice("m", there)))
        for _ in range(6):
            reply = await client.chat.complete(asking(), route)
            assert "stand-in" in reply.text
        assert client.chat.breakers() == {(broken.base_url, "m"): "open", (sound.base_url, "m"): "closed"}
    assert reply.passed_over[0].reason == "breaker_open"


async def test_two_paths_of_one_host_are_two_addresses(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=repeat(DOWN, 6)) as server,
        open_client(server.base_url, attempts=1) as client,
    ):
        other = client.settings.model_copy(update={"base_url": f"{server.base_url}/other"})
        there = OpenAiStyle(client.http.trusted, other)
        for provider in (*[None] * 5, there):
            with pytest.raises(ModelUnavailable):
                await client.chat.complete(asking(), Route((Choice("m", provider),)))
    assert client.chat.breakers() == {(server.base_url, "m"): "open", (other.base_url, "m"): "closed"}


async def test_settings_name_several_fallbacks_in_order(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[DOWN, DOWN], record=3) as server,
        open_client(server.base_url, attempts=1, fallback_model="b, c") as client,
    ):
        await client.chat.complete(asking())
    assert [json.loads(sent.body)["model"] for sent in server.recorded] == ["offline-1", "b", "c"]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_model_that_hangs_leaves_time_for_the_next(open_client: OpenClient, streamed: bool) -> None:
    async with (
        offline_server(faults=[Fault(delay_s=60)]) as server,
        open_client(server.base_url, fallback_model="second", deadline_s=2) as client,
    ):
        if streamed:
            async with client.chat.stream(asking()) as stream:
                assert [delta async for delta in stream]
            passed_over = stream.passed_over
        else:
            passed_over = (await client.chat.complete(asking())).passed_over
    assert [(passed.model, passed.reason) for passed in passed_over] == [("offline-1", "unavailable")]


async def test_an_open_breaker_refuses_a_stream_too(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[DOWN] * 5) as server,
        open_client(server.base_url, attempts=1) as client,
    ):
        for _ in range(5):
            with pytest.raises(ModelUnavailable):
                async with client.chat.stream(asking()):
                    raise AssertionError("nothing is shown")
        with pytest.raises(BreakerOpen):
            await client.chat.stream(asking()).__aenter__()
