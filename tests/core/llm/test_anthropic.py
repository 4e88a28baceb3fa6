"""Anthropic's messages API: what is sent, what is understood."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from llm_client import FOR, asking
from loopback import Handler, serve
from wompcore.config import HttpSettings, LlmSettings
from wompcore.http import HttpSessions
from wompcore.llm import (
    Anthropic,
    Assembly,
    ChatRequest,
    ContextTooLong,
    Delta,
    ImagePart,
    Message,
    ModelAnswerInvalid,
    ModelError,
    ModelUnauthorized,
    ModelUnavailable,
    ProviderAnswer,
    TextPart,
    ToolCall,
    ToolSpec,
    model_provider,
)
from wompcore.llm.providers.message_events import MessageEvents, decode
from wompcore.llm.providers.messages import SHAPED_ANSWER, encode
from wompcore.usage import Usage

DICE = ToolSpec("dice", "Rolls dice.", {"type": "object"})
KEPT = {"type": "ephemeral"}


def encoded(*messages: Message, **more: Any) -> dict[str, Any]:
    request = ChatRequest(messages, FOR, max_tokens=9, temperature=1.5, **more)
    found: dict[str, Any] = json.loads(encode(request, "m"))
    return found


# -- requests ------------------------------------------------------------------------------------


def test_a_plain_request_has_no_more_than_it_needs() -> None:
    assert encoded(Message("user", "hi")) == {
        "model": "m",
        "max_tokens": 9,
        "temperature": 1.0,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }


def test_the_first_system_turn_is_kept_in_the_cache_and_the_tools_with_it() -> None:
    body = encoded(
        Message("system", "rules"), Message("system", "today"), Message("user", "hi"), tools=(DICE,)
    )
    assert body["system"] == [
        {"type": "text", "text": "rules", "cache_control": KEPT},
        {"type": "text", "text": "today"},
    ]
    assert body["tools"] == [
        {"name": "dice", "description": "Rolls dice.", "input_schema": {"type": "object"}}
    ]
    assert body["tool_choice"] == {"type": "auto"}


def test_without_rules_the_tools_are_kept() -> None:
    assert encoded(Message("user", "hi"), tools=(DICE, DICE))["tools"][-1]["cache_control"] == KEPT


def test_what_is_kept_does_not_depend_on_what_follows() -> None:
    rules = Message("system", "rules")
    one = encode(ChatRequest((rules, Message("user", "a")), FOR, tools=(DICE,)), "m")
    two = encode(
        ChatRequest((rules, Message("user", "b"), Message("assistant", "c")), FOR, tools=(DICE,)), "m"
    )
    assert json.loads(one)["system"] == json.loads(two)["system"]
    assert json.loads(one)["tools"] == json.loads(two)["tools"]


def test_turns_alternate_and_results_of_tools_go_together() -> None:
    call, other = ToolCall("c1", "dice", '{"n": 1}'), ToolCall("c2", "dice", "broken")
    body = encoded(
        Message("assistant", "welcome"),
        Message("user", "roll", name="Anna"),
        Message("assistant", " ", tool_calls=(call, other)),
        Message("tool", "6", tool_call_id="c1"),
        Message("tool", "", tool_call_id="c2"),
        Message("system", "now"),
        Message("user", ""),
        tools=(DICE,),
    )
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "…"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "welcome"}]},
        {"role": "user", "content": [{"type": "text", "text": "Anna: roll"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "dice", "input": {"n": 1}},
                {"type": "tool_use", "id": "c2", "name": "dice", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "6"},
                {"type": "tool_result", "tool_use_id": "c2", "content": ""},
                {"type": "text", "text": "now"},
            ],
        },
    ]


def test_turns_that_used_tools_stay_valid_when_none_may_be_used() -> None:
    body = encoded(
        Message("user", "roll"),
        Message("assistant", "", tool_calls=(ToolCall("c1", "dice", "{}"),)),
        Message("tool", "6", tool_call_id="c1"),
    )
    assert [tool["name"] for tool in body["tools"]] == ["dice"]
    assert body["tool_choice"] == {"type": "none"}


def test_images_go_by_address_or_as_bytes() -> None:
    images = ImagePart(url="https://example.org/a.png"), ImagePart(data=b"GIF89a")
    body = encoded(Message("user", (TextPart("what?"), *images)))
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "what?"},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lGODlh"}},
    ]


def test_an_answer_in_a_shape_is_asked_for_as_a_tool() -> None:
    schema = {"type": "object", "properties": {}}
    body = encoded(Message("user", "hi"), response_schema=schema, stop=("END",))
    assert body["tools"][0]["input_schema"] == schema
    assert body["tool_choice"] == {"type": "tool", "name": SHAPED_ANSWER}
    assert body["stop_sequences"] == ["END"]
    assert encoded(Message("user", "hi"), response_schema=schema, tools=(DICE,))["tool_choice"] == {
        "type": "any"
    }


def test_a_model_thinks_aloud_only_where_no_tool_is_in_play() -> None:
    extra = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    call = Message("assistant", "", tool_calls=(ToolCall("1", "dice", "{}"),))
    result = Message("tool", "4", tool_call_id="1")
    hi = Message("user", "hi")

    def sent(*messages: Message, **more: Any) -> dict[str, Any]:
        request = ChatRequest(messages, FOR, max_tokens=2000, temperature=0.2, **more)
        found: dict[str, Any] = json.loads(encode(request, "m", extra=extra))
        return found

    assert sent(hi).keys() == {"model", "max_tokens", "messages", "thinking"}
    for asked in (
        sent(hi, tools=(DICE,)),
        sent(hi, response_schema={"type": "object"}),
        sent(hi, call, result),
    ):
        assert "thinking" not in asked
        assert asked["temperature"] == 0.2


# -- answers -------------------------------------------------------------------------------------

USED = {
    "input_tokens": 10,
    "cache_read_input_tokens": 80,
    "cache_creation_input_tokens": 5,
    "output_tokens": 7,
}
USAGE = Usage(input=95, output=7, cached_input=80, cache_write=5)
THINKING = {"type": "thinking", "thinking": "hm", "signature": "x"}
TEXT = {"type": "text", "text": "I roll."}
CALL = {"type": "tool_use", "id": "c1", "name": "dice", "input": {"n": 1}}


def message(*content: dict[str, Any], stop_reason: str = "end_turn") -> bytes:
    return json.dumps(
        {"id": "r1", "model": "claude", "content": content, "stop_reason": stop_reason, "usage": USED}
    ).encode()


def decoded(body: bytes) -> ProviderAnswer:
    return decode(body, sent=400, provider="p")


def test_a_message_is_read_whole() -> None:
    call = ToolCall("c1", "dice", '{"n": 1}')
    assert decoded(message(THINKING, TEXT, CALL, stop_reason="tool_use")) == ProviderAnswer(
        "I roll.", (call,), "tool_calls", USAGE, "claude", "r1", "hm"
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "refusal")],
)
def test_an_end_is_told_in_the_usual_words(theirs: str, ours: str) -> None:
    assert decoded(message(TEXT, stop_reason=theirs)).finish_reason == ours


def test_an_answer_in_a_shape_is_text() -> None:
    shaped = {"type": "tool_use", "id": "c", "name": SHAPED_ANSWER, "input": {"n": 1}}
    answer = decoded(message(shaped, stop_reason="tool_use"))
    assert (answer.text, answer.tool_calls, answer.finish_reason) == ('{"n": 1}', (), "stop")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"content":"hi"}'])
def test_what_is_no_message_is_invalid(body: bytes) -> None:
    with pytest.raises(ModelAnswerInvalid):
        decoded(body)


KEYS = st.sampled_from(
    ["type", "content", "message", "delta", "content_block", "index", "usage", "error", "name", "input"]
)
KINDS = st.sampled_from(
    ["message_start", "content_block_start", "content_block_delta", "message_delta", "tool_use"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | KINDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_nothing_ends_in_anything_but_an_answer_or_a_typed_error(body: object) -> None:
    data = json.dumps(body).encode()
    with suppress(ModelError):
        decoded(data)
    with suppress(ModelError):
        assert isinstance(MessageEvents("p").read(data), Delta)


# -- over HTTP -----------------------------------------------------------------------------------


def events(*bodies: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (body["type"].encode(), json.dumps(body).encode()) for body in bodies
    )


START = {
    "type": "message_start",
    "message": {"id": "r1", "model": "claude", "content": [], "usage": USED | {"output_tokens": 1}},
}
END = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}
STOP = {"type": "message_stop"}


def begun(index: int, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int, **delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


STREAM = events(
    START,
    begun(0, {"type": "thinking", "thinking": ""}),
    {"type": "ping"},
    piece(0, type="thinking_delta", thinking="hm"),
    piece(0, type="signature_delta", signature="x"),
    begun(1, {"type": "text", "text": ""}),
    piece(1, type="text_delta", text="I "),
    piece(1, type="text_delta", text="roll."),
    {"type": "content_block_stop", "index": 1},
    begun(2, {"type": "tool_use", "id": "c1", "name": "dice", "input": {}}),
    piece(2, type="input_json_delta", partial_json=""),
    *(piece(2, type="input_json_delta", partial_json=character) for character in '{"n": 1}'),
    END,
    STOP,
)


@asynccontextmanager
async def provider_for(handle: Handler) -> AsyncIterator[Anthropic]:
    async with serve(handle) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        settings = LlmSettings.model_validate(
            {"provider": "anthropic", "base_url": origin, "api_key": "sk-secret"}
        )
        provider = model_provider(http.trusted, settings)
        assert isinstance(provider, Anthropic)
        yield provider


async def streamed(provider: Anthropic) -> ProviderAnswer:
    body = provider.encode(asking(max_tokens=9, temperature=0.0), "m", stream=True)
    assembly = Assembly()
    async for delta in provider.stream(body, first_token_s=5, idle_s=5):
        assembly.add(delta)
    return assembly.answer(len(body))


def answering(body: bytes, content_type: str = "text/event-stream", status: int = 200) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        assert request.headers["x-api-key"] == "sk-secret"
        assert request.headers["anthropic-version"] == "2023-06-01"
        assert "Authorization" not in request.headers
        return web.Response(status=status, body=body, content_type=content_type)

    return handle


async def test_a_stream_comes_to_the_same_as_the_whole() -> None:
    whole = message(THINKING, TEXT, CALL, stop_reason="tool_use")
    async with provider_for(answering(STREAM)) as provider:
        in_pieces = await streamed(provider)
    async with provider_for(answering(whole, "application/json")) as provider:
        assert in_pieces == await streamed(provider) == await provider.complete(b"{}")
    assert in_pieces.usage == USAGE


async def test_a_shaped_answer_is_streamed_as_text() -> None:
    stream = events(
        START,
        begun(0, {"type": "tool_use", "id": "c", "name": SHAPED_ANSWER, "input": {}}),
        *(piece(0, type="input_json_delta", partial_json=character) for character in '{"n":1}'),
        END,
        STOP,
    )
    async with provider_for(answering(stream)) as provider:
        answer = await streamed(provider)
    assert (answer.text, answer.tool_calls, answer.finish_reason) == ('{"n":1}', (), "stop")


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


async def test_an_overloaded_server_may_be_asked_again_whenever_it_says_so() -> None:
    told = json.dumps(OVERLOADED).encode()
    async with provider_for(answering(told, "application/json", 529)) as provider:
        for ask in (streamed(provider), provider.complete(b"{}"), provider.probe("m")):
            with pytest.raises(ModelUnavailable, match="Overloaded") as caught:
                await ask
            assert (caught.value.status, caught.value.retryable) == (529, True)
    async with provider_for(answering(events(START, OVERLOADED))) as provider:
        with pytest.raises(ModelUnavailable, match="Overloaded") as caught:
            await streamed(provider)
        assert (caught.value.status, caught.value.retryable) == (529, True)


@pytest.mark.parametrize(
    ("status", "kind", "said", "leaf"),
    [
        (401, "authentication_error", "invalid x-api-key sk-secret", ModelUnauthorized),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", ContextTooLong),
    ],
)
async def test_a_refusal_by_status_has_its_error(
    status: int, kind: str, said: str, leaf: type[ModelError]
) -> None:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": said}}).encode()
    async with provider_for(answering(body, "application/json", status)) as provider:
        with pytest.raises(leaf) as caught:
            await provider.complete(b"{}")
    assert "sk-secret" not in str(caught.value)


async def test_a_probe_lists_the_models() -> None:
    async with provider_for(answering(b'{"data":[{"id":"claude"}]}', "application/json")) as provider:
        assert await provider.probe("claude") == "127.0.0.1 answers with 1 models; claude is one of them"
