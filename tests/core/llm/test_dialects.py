"""Streams as the servers write them: the shapes that differ from the reference, each with its source."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_client import FOR, OpenClient, asking
from wompcore.config import HttpSettings, LlmSettings
from wompcore.http import HttpSessions
from wompcore.llm import (
    Assembly,
    ChatRequest,
    Delta,
    Message,
    OpenAiStyle,
    ProviderAnswer,
    ToolCall,
    ToolCallPart,
    model_provider,
)
from wompcore.llm.offline import offline_server
from wompcore.llm.providers.chat_completions import decode, encode
from wompcore.llm.providers.chunks import read_chunk
from wompcore.llm.sse import EventParser
from wompcore.money import usd
from wompcore.usage import Usage


def heard(*events: dict[str, Any] | str) -> ProviderAnswer:
    lines = (event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events)
    parser, assembly = EventParser(), Assembly()
    stream = "".join(f"{line}\n\n" for line in lines).encode()
    for data in [*parser.feed(stream), *parser.close()]:
        delta = read_chunk(data, "p")
        if delta is None:
            break
        assembly.add(delta)
    return assembly.answer(sent=40)


def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


@pytest.mark.parametrize(
    ("base_url", "sent"),
    [
        (
            "https://openrouter.ai/api/v1",
            {"max_tokens": 9, "usage": {"include": True}, "provider": {"sort": "price"}},
        ),
        ("https://api.openai.com/v1", {"max_completion_tokens": 9, "provider": {"sort": "price"}}),
        ("http://127.0.0.1:11434/v1", {"max_tokens": 9, "provider": {"sort": "price"}}),
    ],
)
async def test_a_host_is_asked_in_its_own_words(base_url: str, sent: dict[str, Any]) -> None:
    settings = LlmSettings(base_url=base_url, extra_body={"provider": {"sort": "price"}})
    async with HttpSessions.open(HttpSettings(), trusted_origins=[base_url]) as http:
        body = json.loads(
            OpenAiStyle(http.trusted, settings).encode(asking(max_tokens=9, temperature=0.0), "m")
        )
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "who are you?"}],
        "temperature": 0.0,
        **sent,
    }


@pytest.mark.parametrize("name", ["openai_style", "anthropic"])
async def test_what_a_model_refuses_is_not_sent(name: str) -> None:
    settings = LlmSettings.model_validate(
        {
            "provider": name,
            "base_url": "http://127.0.0.1:1/v1",
            "limit_name": "max_completion_tokens",
            "leave_out": "temperature, seed",
        }
    )
    async with HttpSessions.open(HttpSettings(), trusted_origins=[settings.base_url]) as http:
        request = asking(max_tokens=9, temperature=0.2, seed=1)
        body = json.loads(model_provider(http.trusted, settings).encode(request, "m"))
    limit = "max_completion_tokens" if name == "openai_style" else "max_tokens"
    assert body.keys() == {"model", "messages", limit}


async def test_a_temperature_is_sent_when_somebody_asks_for_one(open_client: OpenClient) -> None:
    async with offline_server(record=3) as server:
        async with open_client(server.base_url) as client:
            await client.chat.complete(asking())
            await client.chat.complete(asking(temperature=0.0))
        async with open_client(server.base_url, temperature=0.7) as client:
            await client.chat.complete(asking())
    sent = [json.loads(request.body).get("temperature") for request in server.recorded]
    assert sent == [None, 0.0, 0.7]


CALL = (
    '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"say","arguments":"%s"}}]}}]}'
)
STREAM = "\r\n".join(
    [
        ": hi",
        'data: {"choices":[{"delta":{"content":"Grüße, 日本 🎲"}}]}',
        "",
        "data: " + CALL % "{}",
        "",
        "data: [DONE]",
        "",
        "",
    ]
).encode()


@given(st.sets(st.integers(0, len(STREAM)), max_size=20))
def test_every_split_of_the_bytes_gives_the_same_deltas(cuts: set[int]) -> None:
    parser = EventParser()
    places = [0, *sorted(cuts), len(STREAM)]
    events = [data for begin, end in pairwise(places) for data in parser.feed(STREAM[begin:end])]
    assert [read_chunk(data, "p") for data in events] == [
        Delta(text="Grüße, 日本 🎲"),
        Delta(tool_calls=(ToolCallPart(0, "c", "say", "{}"),)),
        None,
    ]


def test_openrouter_tells_its_provider_its_reasoning_and_the_exact_cost() -> None:
    """Its documentation: "Streaming", "Reasoning tokens", "Usage accounting"."""
    usage = {
        "prompt_tokens": 14,
        "completion_tokens": 163,
        "cost": 0.00014,
        "is_byok": False,
        "cost_details": {"upstream_inference_cost": None},
        "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 120},
    }
    answer = heard(
        ": OPENROUTER PROCESSING",
        chunk(
            {"role": "assistant", "content": "", "reasoning": "hm", "reasoning_details": [{"text": "hm"}]},
            provider="DeepInfra",
        ),
        chunk({"content": "hi", "reasoning": None}, provider="DeepInfra"),
        chunk({"content": ""}, "stop", native_finish_reason="end_turn"),
        chunk({"role": "assistant", "content": ""}, usage=usage),
        "data: [DONE]",
    )
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("hi", "hm", "stop")
    assert answer.usage == Usage(14, 163, 8, 2, 120, usd("0.00014"))


def test_ollama_sends_each_call_whole_and_numbers_them_as_it_likes() -> None:
    """Its source, openai/openai.go: ``index`` was always 0 in older versions."""
    calls = [
        {
            "id": f"call_{n}",
            "index": 0,
            "type": "function",
            "function": {"name": "dice", "arguments": f'{{"n":{n}}}'},
        }
        for n in (1, 2)
    ]
    answer = heard(
        chunk({"role": "assistant", "content": "", "tool_calls": [calls[0]]}),
        chunk({"role": "assistant", "content": "", "tool_calls": [calls[1]]}),
        chunk({"role": "assistant", "content": ""}, "tool_calls"),
        {"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
        "data: [DONE]",
    )
    assert answer.tool_calls == (ToolCall("call_1", "dice", '{"n":1}'), ToolCall("call_2", "dice", '{"n":2}'))
    assert answer.usage == Usage(9, 4)


def test_vllm_makes_up_a_new_id_for_every_fragment_and_reasons_elsewhere() -> None:
    """Its source, DeltaToolCall of versions before 0.8: the id had a random default."""
    fragments = ['{"n"', ":", "1}"]
    answer = heard(
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "hm"}),
        chunk({"tool_calls": [{"id": "t-0", "type": "function", "index": 0, "function": {"name": "dice"}}]}),
        *(
            chunk({"tool_calls": [{"id": f"t-{n}", "index": 0, "function": {"arguments": fragment}}]})
            for n, fragment in enumerate(fragments, 1)
        ),
        chunk({"content": ""}, "tool_calls", usage=None),
        {"id": "x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
        "data: [DONE]",
    )
    assert answer.tool_calls == (ToolCall("t-0", "dice", '{"n":1}'),)
    assert answer.reasoning == "hm"


def test_llama_cpp_begins_with_null_and_adds_its_timings() -> None:
    """Its source, tools/server: ``timings`` stand beside the choices of the last chunk."""
    answer = heard(
        chunk({"role": "assistant", "content": None}),
        chunk({"content": "hi"}),
        chunk({}, "stop", timings={"prompt_n": 9, "predicted_per_second": 12.5}),
        {
            "choices": [],
            "usage": {"completion_tokens": 4, "prompt_tokens": 9, "total_tokens": 13},
            "timings": {"prompt_n": 9},
        },
        "data: [DONE]",
    )
    assert (answer.text, answer.usage) == ("hi", Usage(9, 4))


def test_litellm_repeats_empty_fields_and_counts_in_the_last_chunk() -> None:
    """Its source, litellm/types/utils.py: every field of a delta is written, most of them null."""
    empty = {"provider_specific_fields": None, "refusal": None, "function_call": None, "audio": None}
    answer = heard(
        chunk({**empty, "content": "hi", "role": "assistant", "tool_calls": None}, system_fingerprint=None),
        chunk({**empty, "content": None, "role": None, "tool_calls": None}, "stop"),
        chunk(
            {**empty, "content": None}, None, usage={"prompt_tokens": 9, "completion_tokens": 4, "cost": None}
        ),
        "data: [DONE]",
    )
    assert (answer.text, answer.finish_reason, answer.usage) == ("hi", "stop", Usage(9, 4))


def test_gemini_sends_calls_without_a_number_and_ends_the_answer_with_them() -> None:
    """Its OpenAI-compatible endpoint leaves ``index`` out."""
    call = {"id": "", "type": "function", "function": {"name": "dice", "arguments": '{"n":1}'}}
    other = {"id": "", "type": "function", "function": {"name": "say", "arguments": "{}"}}
    answer = heard(chunk({"tool_calls": [call, other]}, "tool_calls"), "data: [DONE]")
    assert answer.tool_calls == (ToolCall("call_0", "dice", '{"n":1}'), ToolCall("call_1", "say", "{}"))


@pytest.mark.parametrize("streamed", [True, False])
def test_gemini_gets_its_signature_back_with_the_call(streamed: bool) -> None:
    """Its documentation, "Thought signatures": a call that comes back without one is refused."""
    signed = {"google": {"thought_signature": "c2lnbmVk/+=="}}
    call = {"id": "c", "function": {"name": "dice", "arguments": "{}"}, "extra_content": signed}
    if streamed:
        answer = heard(chunk({"tool_calls": [{"index": 0, **call}]}), chunk({}, "tool_calls"), "data: [DONE]")
    else:
        body = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
        answer = decode(json.dumps(body).encode(), sent=1, provider="p")
    turn = Message("assistant", "", tool_calls=answer.tool_calls)
    sent = json.loads(encode(ChatRequest((turn,), FOR, max_tokens=9), "m"))
    assert sent["messages"][0]["tool_calls"] == [{"type": "function", **call}]


@pytest.mark.parametrize("content", ["\ufeff", "a\u0000b", "\u2028"])
def test_odd_characters_survive(content: str) -> None:
    assert heard(chunk({"content": content})).text == content


def test_a_character_cut_in_two_by_the_server_costs_only_itself() -> None:
    parser = EventParser()
    [event] = parser.feed(b'data: {"choices":[{"delta":{"content":"a\xe2\x82"}}]}\n\n')
    delta = read_chunk(event, "p")
    assert delta is not None
    assert delta.text == "a\ufffd"
