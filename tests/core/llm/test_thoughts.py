"""What a model thought before it called a tool goes back to that model, whole, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_client import FOR, OpenClient, asking
from wompcore.llm import Assembly, ChatRequest, Message, Reply, Route, ToolCall
from wompcore.llm.estimate import expected, worst
from wompcore.llm.offline import Fault, offline_server
from wompcore.llm.providers.chat_completions import decode
from wompcore.llm.providers.chunks import read_chunk
from wompcore.llm.request import Thoughts
from wompcore.llm.thoughts import join_thoughts
from wompcore.llm.tools import Toolbox, ToolContext, converse, tool

Json = dict[str, Any]

CALL = {"id": "c", "function": {"name": "look", "arguments": "{}"}}
SIGNED = {"type": "reasoning.text", "text": "I look.", "signature": "s+/=", "format": "anthropic-claude-v1"}
SEALED = {"type": "reasoning.encrypted", "data": "c2VhbGVk", "id": "rs_1", "index": 0}
DOWN = Fault(status=503)


def calling(**said: Any) -> Fault:
    message = {"content": "", "tool_calls": [CALL], **said}
    return Fault(body=json.dumps({"choices": [{"message": message}]}).encode())


def streamed(*deltas: Json) -> str:
    assembly = Assembly()
    for delta in (*deltas, {"tool_calls": [CALL]}):
        read = read_chunk(json.dumps({"choices": [{"delta": delta}]}).encode(), "p")
        assert read is not None
        assembly.add(read)
    return assembly.answer(9).thoughts


@tool(effect="read")
async def look() -> str:
    """Look."""
    return "seen"


async def talk(client: Any, route: Route | None = None) -> tuple[Reply, Sequence[Reply]]:
    """Talk with a tool; return the last reply and all of them."""
    replies: list[Reply] = []

    class Routed:
        async def complete(self, request: ChatRequest) -> Reply:
            replies.append(await client.chat.complete(request, route))
            return replies[-1]

    conversation = await converse(Routed(), asking(), Toolbox([look]), ToolContext(FOR))
    return conversation.reply, replies


@pytest.mark.parametrize(
    ("said", "returned"),
    [
        (
            {"reasoning": "I look.", "reasoning_details": [SIGNED, SEALED]},
            {"reasoning_details": [SIGNED, SEALED]},
        ),
        ({"reasoning_content": "I look."}, {"reasoning_content": "I look."}),
        ({"reasoning_content": ""}, {"reasoning_content": ""}),
        ({"reasoning": "I look.", "reasoning_details": []}, {"reasoning": "I look."}),
        ({"reasoning": None, "reasoning_content": None}, {}),
        ({"reasoning_details": {}, "reasoning": 7}, {}),
    ],
)
async def test_a_model_gets_its_own_thoughts_back_with_the_results(
    open_client: OpenClient, said: Json, returned: Json
) -> None:
    async with (
        offline_server(faults=[calling(**said)], record=2) as server,
        open_client(server.base_url) as client,
    ):
        last, [first, _] = await talk(client)
        turn = json.loads(server.recorded[1].body)["messages"][1]
    assert {key: turn[key] for key in turn if "reasoning" in key} == returned
    assert turn["role"] == "assistant"
    assert "I look." not in last.text + first.text + repr(first), "nobody is shown them"


async def test_a_fallback_never_reads_another_models_thoughts(open_client: OpenClient) -> None:
    faults = [calling(reasoning_details=[SIGNED]), DOWN, calling(reasoning_content="B thinks."), None]
    async with (
        offline_server(faults=faults, record=4) as server,
        open_client(server.base_url, attempts=1) as client,
    ):
        await talk(client, Route.of("a", "b"))
        bodies = [json.loads(sent.body) for sent in server.recorded]
    assert [body["model"] for body in bodies] == ["a", "a", "b", "a"]
    assert "s+/=" in json.dumps(bodies[1])
    assert "s+/=" not in json.dumps(bodies[2])
    assert "s+/=" in json.dumps(bodies[3])
    assert "B thinks." not in json.dumps(bodies[3])


def test_another_address_is_another_model() -> None:
    own = Message("assistant", "", thoughts=Thoughts("http://a", "m", "{}"))
    request = asking(max_tokens=1)
    with_own = ChatRequest((own, *request.messages), FOR)
    assert with_own.seen_by("http://a", "m") is with_own
    assert with_own.seen_by("http://b", "m").messages == (Message("assistant", ""), *request.messages)


def test_without_tool_calls_no_thoughts_are_kept() -> None:
    body = {"choices": [{"message": {"content": "hi", "reasoning_content": "hm"}}]}
    assert decode(json.dumps(body).encode(), sent=1, provider="p").thoughts == ""


# -- streams -------------------------------------------------------------------------------------


def test_blocks_that_come_in_pieces_go_back_whole() -> None:
    """OpenRouter repeats the index and sends the signature last; with OpenAI's models all are 0."""
    pieces = [
        {"type": "reasoning.text", "text": "I ", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.text", "text": "look.", "index": 0},
        {"type": "reasoning.text", "signature": "one", "index": 0},
        {"type": "reasoning.text", "text": "Again.", "signature": "two", "index": 0},
        {"type": "reasoning.summary", "summary": "in ", "index": 0},
        {"type": "reasoning.summary", "summary": "short", "index": 0},
        SEALED,
        SEALED,
    ]
    assert json.loads(streamed(*({"reasoning_details": [piece]} for piece in pieces))) == {
        "reasoning_details": [
            {
                "type": "reasoning.text",
                "text": "I look.",
                "index": 0,
                "format": "anthropic-claude-v1",
                "signature": "one",
            },
            {"type": "reasoning.text", "text": "Again.", "signature": "two", "index": 0},
            {"type": "reasoning.summary", "summary": "in short", "index": 0},
            SEALED,
            SEALED,
        ]
    }


def test_litellm_sends_the_thoughts_of_anthropic_under_a_name_of_its_own() -> None:
    deltas = [
        {
            "reasoning_content": text,
            "thinking_blocks": [{"type": "thinking", "thinking": text, "signature": signature}],
        }
        for text, signature in [("I ", None), ("look.", None), ("", "s")]
    ]
    whole = {"type": "thinking", "thinking": "I look.", "signature": "s"}
    assert json.loads(streamed(*deltas)) == {"thinking_blocks": [whole]}


@given(st.lists(st.integers(0, 30), max_size=6))
def test_thoughts_are_the_same_however_they_were_cut(cuts: list[int]) -> None:
    text = "thirty characters of thinking."
    borders = sorted({0, *cuts, len(text)})
    parts = [text[start:end] for start, end in pairwise(borders)]
    details = [{"type": "reasoning.text", "text": part, "index": 1} for part in parts]
    seal: Mapping[str, Any] = {"type": "reasoning.text", "signature": "s", "index": 1}
    assert json.loads(join_thoughts({"reasoning_details": [piece]} for piece in [*details, seal])) == {
        "reasoning_details": [{"type": "reasoning.text", "text": text, "index": 1, "signature": "s"}]
    }
    assert json.loads(join_thoughts({"reasoning_content": part} for part in parts)) == {
        "reasoning_content": text
    }


# -- bounds --------------------------------------------------------------------------------------


def nested(levels: int) -> Json:
    found: Json = {}
    for _ in range(levels):
        found = {"deeper": found}
    return found


@pytest.mark.parametrize("details", [[{"data": "x" * 300_000}], [nested(400)]])
def test_thoughts_beyond_all_measure_are_left_out_whole(details: list[Json]) -> None:
    assert streamed({"reasoning_details": details}) == ""
    body = {"choices": [{"message": {"tool_calls": [CALL], "reasoning_details": details}}]}
    answer = decode(json.dumps(body).encode(), sent=1, provider="p")
    assert (answer.thoughts, answer.tool_calls) == ("", (ToolCall("c", "look", "{}"),))


def test_thoughts_that_go_back_are_reserved_for() -> None:
    """Sealed ones stand for more than they show: for no more than the answer took."""
    plain = ChatRequest((Message("assistant", ""),), FOR, max_tokens=1)
    sealed, long = Thoughts("a", "m", "{}", 5000), Thoughts("a", "m", "x" * 900, 8)
    for thoughts, least in [(sealed, 5000), (long, 900)]:
        request = ChatRequest((Message("assistant", "", thoughts=thoughts),), FOR, max_tokens=1)
        assert worst(request).input >= worst(plain).input + least
        assert expected(request).input == expected(plain).input + thoughts.tokens
