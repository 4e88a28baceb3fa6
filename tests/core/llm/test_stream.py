"""Pieces of an answer, and what they come to."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.llm import (
    Assembly,
    Delta,
    ModelAnswerInvalid,
    ModelError,
    ModelRateLimited,
    ModelUnavailable,
    ProviderAnswer,
    ToolCall,
    ToolCallPart,
)
from wompcore.llm.providers.chunks import read_chunk
from wompcore.llm.stream import as_delta
from wompcore.money import usd
from wompcore.usage import Usage


def assembled(*deltas: Delta, sent: int = 400) -> ProviderAnswer:
    assembly = Assembly()
    for delta in deltas:
        assembly.add(delta)
    return assembly.answer(sent)


def calls(*parts: ToolCallPart) -> tuple[ToolCall, ...]:
    return assembled(*(Delta(tool_calls=(part,)) for part in parts)).tool_calls


def chunk(**delta: Any) -> Delta:
    found = read_chunk(json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode(), "p")
    assert found is not None
    return found


def test_text_and_reasoning_are_joined_and_the_latest_usage_counts() -> None:
    answer = assembled(
        Delta(model="m", request_id="r", usage=Usage(input=5)),
        Delta(reasoning="hm"),
        Delta(text="a"),
        Delta(text="b", finish_reason="stop"),
        Delta(usage=Usage(input=5, output=2)),
    )
    assert answer == ProviderAnswer("ab", (), "stop", Usage(input=5, output=2), "m", "r", "hm")


def test_arguments_in_fifty_fragments_are_one_call() -> None:
    arguments = json.dumps({"text": "x" * 88})
    parts = [
        ToolCallPart(0, "c", "say"),
        *(ToolCallPart(0, arguments=arguments[i : i + 2]) for i in range(0, 100, 2)),
    ]
    assert len(parts) == 51
    assert calls(*parts) == (ToolCall("c", "say", arguments),)


def test_fragments_of_several_calls_may_alternate() -> None:
    assert calls(
        ToolCallPart(0, "a", "one", "{"),
        ToolCallPart(1, "b", "two", '{"x":'),
        ToolCallPart(0, arguments="}"),
        ToolCallPart(1, arguments="1}"),
    ) == (ToolCall("a", "one", "{}"), ToolCall("b", "two", '{"x":1}'))


@pytest.mark.parametrize(
    "parts",
    [
        (ToolCallPart(0, "a", "dice", '{"n":1}'), ToolCallPart(0, "b", "dice", '{"n":2}')),
        (ToolCallPart(0, "", "dice", '{"n":1}'), ToolCallPart(0, "", "dice", '{"n":2}')),
    ],
    ids=["told apart by id", "told apart by being whole"],
)
def test_calls_that_share_an_index_stay_apart(parts: tuple[ToolCallPart, ...]) -> None:
    found = calls(*parts)
    assert [call.arguments for call in found] == ['{"n":1}', '{"n":2}']
    assert len({call.id for call in found}) == 2


@pytest.mark.parametrize(
    "repeated",
    [ToolCallPart(0, "a", "dice"), ToolCallPart(0, "", "dice"), ToolCallPart(0, "other", "")],
    ids=["id and name", "the name", "a new id each time"],
)
def test_a_server_may_repeat_what_it_said(repeated: ToolCallPart) -> None:
    first, last = ToolCallPart(0, "a", "dice", '{"n"'), ToolCallPart(0, "", "", ":1}")
    assert calls(first, repeated, last) == (ToolCall("a", "dice", '{"n":1}'),)


def test_missing_usage_is_estimated_from_everything_that_was_written() -> None:
    call = ToolCallPart(0, "c", "n", "x" * 100)
    usage = assembled(Delta(text="x" * 100), Delta(reasoning="x" * 100), Delta(tool_calls=(call,))).usage
    assert usage == Usage(input=101, output=76, estimated=True)


def test_a_broken_stream_has_its_part_and_what_it_cost_so_far() -> None:
    assembly = Assembly()
    assert not assembly.begun
    assembly.add(Delta(usage=Usage(input=70, output=1, cached_input=60, cost=usd("0.1"))))
    assembly.add(Delta(text="x" * 400))
    assert assembly.begun
    broken = assembly.broken(ModelUnavailable("reset", retryable=True), sent=4000)
    assert broken.text == "x" * 400
    assert broken.usage == Usage(input=70, output=101, cached_input=60, estimated=True)
    assert "reset" in str(broken)
    assert broken.retryable


CALLS = st.lists(
    st.builds(
        ToolCall, st.uuids().map(str), st.sampled_from(["dice", "say"]), st.sampled_from(["{}", '{"a":1}'])
    ),
    max_size=4,
    unique_by=lambda call: call.id,
)


@given(text=st.text(), reasoning=st.text(), tool_calls=CALLS.map(tuple), size=st.integers(1, 9))
def test_an_answer_in_pieces_is_that_answer(
    text: str, reasoning: str, tool_calls: tuple[ToolCall, ...], size: int
) -> None:
    whole = ProviderAnswer(text, tool_calls, "stop", Usage(1, 2), "m", "r", reasoning)
    pieces = [Delta(text=text[at : at + size]) for at in range(0, len(text), size)]
    for index, call in enumerate(tool_calls):
        pieces.append(Delta(tool_calls=(ToolCallPart(index, call.id, call.name),)))
        for at in range(0, len(call.arguments), size):
            pieces.append(Delta(tool_calls=(ToolCallPart(index, arguments=call.arguments[at : at + size]),)))
    end = Delta(reasoning=reasoning, finish_reason="stop", usage=Usage(1, 2), model="m", request_id="r")
    assert assembled(*pieces, end) == whole
    assert assembled(as_delta(whole)) == whole


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(name: str) -> None:
    assert chunk(content=None, **{name: "hm"}) == Delta(reasoning="hm", thoughts={name: "hm"})


def test_a_chunk_may_hold_nothing() -> None:
    for body in (b"{}", b'{"choices":[]}', b'{"choices":[{"delta":null}]}', b'{"choices":[{}],"usage":null}'):
        assert read_chunk(body, "p") == Delta()


def test_calls_may_be_uncounted_and_have_arguments_as_objects() -> None:
    functions = [{"function": {"name": "a", "arguments": {"n": 1}}}, {"function": {"name": "b"}}, None, 3]
    assert chunk(tool_calls=functions).tool_calls == (
        ToolCallPart(0, name="a", arguments='{"n": 1}'),
        ToolCallPart(1, name="b"),
    )


def test_done_ends_the_stream() -> None:
    assert read_chunk(b"[DONE]", "p") is None


@pytest.mark.parametrize(
    ("error", "leaf"),
    [
        ({"code": 429, "message": "slow down"}, ModelRateLimited),
        ({"code": "server_error", "message": "upstream broke"}, ModelUnavailable),
        ("upstream broke", ModelUnavailable),
    ],
)
def test_an_error_in_mid_stream_is_that_error(error: object, leaf: type[ModelError]) -> None:
    body = {"error": error, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}
    with pytest.raises(leaf) as caught:
        read_chunk(json.dumps(body).encode(), "p")
    assert caught.value.retryable


def test_an_event_that_is_no_json_is_invalid() -> None:
    with pytest.raises(ModelAnswerInvalid, match="web page"):
        read_chunk(b"<html>", "p")


KEYS = st.sampled_from(
    [
        "choices",
        "delta",
        "content",
        "tool_calls",
        "function",
        "index",
        "name",
        "arguments",
        "usage",
        "error",
        "id",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_no_event_ends_in_anything_but_a_delta_or_a_typed_error(body: object) -> None:
    with suppress(ModelError):
        assert isinstance(read_chunk(json.dumps(body).encode(), "p"), Delta)
