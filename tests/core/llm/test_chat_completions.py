"""The chat completions format, and what servers make of it."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.llm import (
    ChatRequest,
    ContextTooLong,
    ImagePart,
    Message,
    ModelAnswerInvalid,
    ModelError,
    ModelRateLimited,
    ModelRequestRefused,
    ModelUnauthorized,
    ModelUnavailable,
    ProviderAnswer,
    TextPart,
    ToolCall,
    ToolSpec,
)
from wompcore.llm.providers.chat_completions import decode, encode
from wompcore.llm.providers.failure import error_of_status
from wompcore.usage import Attribution, Purpose, Usage

FOR = Attribution(Purpose.CHAT)


def encoded(*messages: Message, **more: Any) -> dict[str, Any]:
    body = encode(ChatRequest(messages, FOR, max_tokens=9, temperature=0.0, **more), "m")
    result: dict[str, Any] = json.loads(body)
    return result


def decoded(message: dict[str, Any] | None = None, raw: str = "", **more: Any) -> ProviderAnswer:
    choice = {"message": message or {"content": "hi"}, "finish_reason": "stop"}
    body = raw.encode() or json.dumps({"choices": [choice], **more}).encode()
    return decode(body, sent=400, provider="p")


def test_a_plain_request_has_no_more_than_it_needs() -> None:
    assert encoded(Message("user", "hi")) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "temperature": 0.0,
    }


def test_everything_that_is_asked_for_is_sent() -> None:
    tool = ToolSpec("dice", "Rolls dice.", {"type": "object"})
    call = ToolCall("c1", "dice", "{}")
    body = encoded(
        Message("user", "roll", name="Anna Ö."),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "6", tool_call_id="c1"),
        tools=(tool,),
        response_schema={"type": "object"},
        stop=("END",),
        seed=4,
    )
    assert body["messages"] == [
        {"role": "user", "content": "roll", "name": "Anna_"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "dice", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "6", "tool_call_id": "c1"},
    ]
    assert body["tools"][0]["function"]["name"] == "dice"
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert (body["stop"], body["seed"], body["tool_choice"]) == (["END"], 4, "auto")


@pytest.mark.parametrize(
    ("image", "url"),
    [
        (ImagePart(url="https://example.org/a.png"), "https://example.org/a.png"),
        (ImagePart(data=b"\xff\xd8\xff\xe0x"), "data:image/jpeg;base64,/9j/4Hg="),
        (ImagePart(data=b"RIFF....WEBP"), "data:image/webp;base64,UklGRi4uLi5XRUJQ"),
        (ImagePart(data=b"?", media_type="image/png"), "data:image/png;base64,Pw=="),
    ],
)
def test_an_image_goes_by_its_address_or_as_bytes(image: ImagePart, url: str) -> None:
    message = Message("user", (TextPart("what is this?"), image))
    assert encoded(message)["messages"][0]["content"] == [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]
    assert message.text == "what is this?"


@pytest.mark.parametrize("image", [{}, {"url": "https://a.org/b", "data": b"GIF89a"}, {"data": b"BM??"}])
def test_what_is_no_image_is_refused_where_it_is_made(image: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="image"):
        ImagePart(**image)


@given(st.text())
def test_any_text_can_be_sent(text: str) -> None:
    assert encoded(Message("user", text))["messages"][0]["content"] == text


def test_lone_surrogates_do_not_break_a_request() -> None:
    assert encoded(Message("user", "a\ud800b"))["messages"][0]["content"] == "a?b"


def test_the_providers_cost_is_exact_to_the_last_digit() -> None:
    raw = (
        '{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2,'
        '"cost":0.00001234567890123456789}}'
    )
    assert decoded(raw=raw).usage.cost == Decimal("0.00001234567890123456789")


def test_usage_is_read_by_class() -> None:
    usage = decoded(
        usage={
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 5},
        }
    ).usage
    assert (usage.input, usage.output, usage.cached_input, usage.cache_write, usage.reasoning) == (
        100,
        20,
        60,
        10,
        5,
    )
    assert usage.cost is None
    assert not usage.estimated


@pytest.mark.parametrize("usage", [None, {}, "many", [], {"total_tokens": 3}])
def test_missing_usage_is_estimated_and_marked(usage: object) -> None:
    estimate = decoded({"content": "x" * 400}, usage=usage).usage
    assert estimate.estimated
    assert (estimate.input, estimate.output) == (101, 101)


@pytest.mark.parametrize("cost", [True, "free", -1, "NaN", "Infinity", [], {}])
def test_a_cost_that_is_no_amount_is_no_cost(cost: object) -> None:
    usage = decoded(usage={"prompt_tokens": 1, "completion_tokens": -5, "cost": cost}).usage
    assert usage.cost is None
    assert usage.output == 0


def test_null_text_with_tool_calls_is_empty_text() -> None:
    call = {"id": "c", "function": {"name": "dice", "arguments": '{"sides": 6}'}}
    answer = decoded({"content": None, "tool_calls": [call]})
    assert answer.text == ""
    assert answer.tool_calls == (ToolCall("c", "dice", '{"sides": 6}'),)


def test_arguments_may_come_as_an_object_and_ids_may_be_missing() -> None:
    calls = [{"function": {"name": "dice", "arguments": {"sides": 6, "bias": 0.5}}}, {"nonsense": 1}, None]
    assert decoded({"tool_calls": calls}).tool_calls == (
        ToolCall("call_0", "dice", '{"sides": 6, "bias": 0.5}'),
    )


def test_text_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]
    assert decoded({"content": parts}).text == "ab"


def test_an_empty_answer_says_why_it_ended() -> None:
    answer = decoded({"content": ""})
    assert (answer.text, answer.tool_calls, answer.finish_reason) == ("", (), "stop")


def test_an_error_inside_a_200_is_that_error() -> None:
    with pytest.raises(ModelRateLimited) as caught:
        decoded(raw='{"error":{"code":429,"message":"slow down"}}')
    assert caught.value.retryable
    with pytest.raises(ModelUnavailable, match="upstream broke"):
        decoded(raw='{"choices":[{"error":{"code":"server_error","message":"upstream broke"},"message":{}}]}')


@pytest.mark.parametrize(
    "raw", ["<!DOCTYPE html><html>", "hello", "[]", "{}", '{"choices":[]}', '{"choices":[1]}', "[" * 100_000]
)
def test_what_is_not_a_completion_is_invalid(raw: str) -> None:
    with pytest.raises(ModelAnswerInvalid) as caught:
        decoded(raw=raw)
    assert not caught.value.retryable
    assert "/v1" in caught.value.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "usage",
                    "error",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_answer_ends_in_anything_but_a_completion_or_a_typed_error(body: object) -> None:
    with suppress(ModelError):
        decode(json.dumps(body).encode(), sent=1, provider="p")


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (400, ModelRequestRefused, False),
        (401, ModelUnauthorized, False),
        (402, ModelUnauthorized, False),
        (403, ModelUnauthorized, False),
        (404, ModelRequestRefused, False),
        (408, ModelUnavailable, True),
        (413, ModelRequestRefused, False),
        (422, ModelRequestRefused, False),
        (429, ModelRateLimited, True),
        (500, ModelUnavailable, True),
        (501, ModelUnavailable, False),
        (502, ModelUnavailable, True),
        (503, ModelUnavailable, True),
        (504, ModelUnavailable, True),
        (529, ModelUnavailable, True),
        (301, ModelAnswerInvalid, False),
        (204, ModelAnswerInvalid, False),
    ],
)
def test_a_status_has_its_error(status: int, error: type[ModelError], retryable: bool) -> None:
    found = error_of_status(status, b'{"error":{"message":"because"}}', provider="p")
    assert type(found) is error
    assert found.retryable is retryable
    assert found.status == status
    assert str(found) == f"p answered {status}: because"
    assert found.hint


@pytest.mark.parametrize(
    "body",
    [
        {"code": "context_length_exceeded", "message": "This model's maximum context length is 8192 tokens."},
        {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"},
        {"code": 400, "type": "exceed_context_size_error", "message": "exceeds the available context size"},
        {"code": "400", "message": "litellm.ContextWindowExceededError: context window"},
    ],
)
def test_a_request_that_is_too_long_is_told_apart(body: dict[str, Any]) -> None:
    assert type(error_of_status(400, json.dumps({"error": body}).encode(), provider="p")) is ContextTooLong
    with pytest.raises(ContextTooLong):
        decoded(raw=json.dumps({"error": body}))


@pytest.mark.parametrize(
    ("body", "error", "retryable"),
    [
        ({"type": "overloaded_error", "message": "x"}, ModelUnavailable, True),
        ({"type": "rate_limit_error", "code": None}, ModelRateLimited, True),
        ({"type": "requests", "code": "rate_limit_exceeded"}, ModelRateLimited, True),
        ({"code": "invalid_api_key"}, ModelUnauthorized, False),
        ({"code": "insufficient_quota"}, ModelUnauthorized, False),
        ({"code": "model_not_found"}, ModelRequestRefused, False),
    ],
)
def test_an_error_inside_a_200_may_name_itself_in_words(
    body: dict[str, Any], error: type[ModelError], retryable: bool
) -> None:
    with pytest.raises(error) as caught:
        decoded(raw=json.dumps({"error": body}))
    assert caught.value.retryable is retryable


def test_a_failure_inside_a_200_may_have_been_paid_for() -> None:
    for failure in ({"error": {"code": 502}}, {"choices": []}):
        with pytest.raises(ModelError) as caught:
            decoded(raw=json.dumps({**failure, "usage": {"prompt_tokens": 7, "completion_tokens": 1}}))
        assert caught.value.usage == Usage(input=7, output=1)


def test_a_spent_account_is_no_rate_limit() -> None:
    body = b'{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}'
    found = error_of_status(429, body, provider="p", retry_after_s=1)
    assert type(found) is ModelUnauthorized
    assert "credit" in found.hint


def test_a_refusal_is_text_that_says_so() -> None:
    answer = decoded({"content": None, "refusal": "I will not."})
    assert (answer.text, answer.finish_reason) == ("I will not.", "refusal")


def test_no_credit_is_told_apart_from_a_bad_key() -> None:
    assert "credit" in error_of_status(402, b"", provider="p").hint


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            'llm.limit_name = "max_completion_tokens"',
        ),
        (
            "Unsupported value: 'temperature' does not support 0.2 with this model. "
            "Only the default (1) value is supported.",
            'llm.leave_out = ["temperature"]',
        ),
        ("`temperature` is deprecated for this model.", 'llm.leave_out = ["temperature"]'),
        ("openai does not support parameters: ['seed'], for model=m", 'llm.leave_out = ["seed"]'),
    ],
    ids=["OpenAI's limit", "OpenAI's temperature", "Anthropic", "LiteLLM"],
)
def test_a_field_that_a_model_does_not_take_is_told_with_what_to_set(said: str, remedy: str) -> None:
    error = error_of_status(400, json.dumps({"error": {"message": said}}).encode(), provider="p")
    assert type(error) is ModelRequestRefused
    assert remedy in error.hint


def test_what_an_endpoint_says_is_quoted_in_one_short_line() -> None:
    error = error_of_status(400, json.dumps({"error": {"message": "no\n" * 5000}}).encode(), provider="p")
    assert len(str(error)) < 250
    assert "\n" not in str(error)
