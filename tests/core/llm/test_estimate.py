"""The two estimates: close, and never below."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.llm import ChatRequest, ImagePart, Message, TextPart, ToolCall, ToolSpec
from wompcore.llm.estimate import IMAGE_WORST, expected, expected_text, worst, worst_text
from wompcore.llm.providers.messages import encode as encode_for_anthropic
from wompcore.usage import Attribution, Purpose

FOR = Attribution(Purpose.CHAT)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ARGUMENTS = st.dictionaries(TEXTS, TEXTS | st.integers() | st.lists(TEXTS)).map(json.dumps)


def byte_tokens(text: str) -> int:
    """The most tokens a byte-level or byte-fallback vocabulary can make: none was merged."""
    return len(text.encode())


@given(TEXTS)
def test_no_tokenizer_makes_more_than_the_worst(text: str) -> None:
    forms = [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFKC"))]
    assert worst_text(text) >= max(map(byte_tokens, forms))


@given(TEXTS, TEXTS)
def test_the_worst_of_two_texts_is_at_least_that_of_both_together(one: str, two: str) -> None:
    assert worst_text(one) + worst_text(two) >= byte_tokens(one + two)


@given(TEXTS, TEXTS, ARGUMENTS, st.integers(1, 1000))
def test_a_request_is_bounded_however_a_template_writes_it(
    system: str, text: str, arguments: str, max_tokens: int
) -> None:
    tool = ToolSpec(text, system, {"type": "object", "properties": {text: {"description": system}}})
    call = ToolCall("call_1", text, arguments)
    request = ChatRequest(
        (Message("system", system), Message("user", text), Message("assistant", "", tool_calls=(call,))),
        FOR,
        tools=(tool,),
        max_tokens=max_tokens,
    )
    written = "".join(
        [
            f"<|im_start|>system\n{system}<|im_end|>\n",
            f"<|im_start|>user\n{text}<|im_end|>\n",
            max(json.dumps(json.loads(arguments), indent=4), json.dumps(arguments), key=byte_tokens),
            json.dumps({"name": text, "description": system, "parameters": tool.parameters}, indent=4),
        ]
    )
    most = worst(request)
    assert most.input >= byte_tokens(written)
    assert most.output == max_tokens


@given(TEXTS.filter(str.strip), TEXTS.filter(str.strip))
def test_what_an_api_adds_by_itself_is_within_the_bound(name: str, text: str) -> None:
    schema = {"type": "object", "properties": {text: {"type": "string"}}}
    parts = (*[TextPart(text)] * 30, ImagePart("https://example.org/a.png"))
    used = tuple(ToolCall(str(number), f"{name}_{number}", "{}") for number in range(30))
    results = [Message("tool", text, tool_call_id=call.id) for call in used]
    said = (Message("user", parts, name), Message("assistant", text, tool_calls=used), *results)
    for request in (
        ChatRequest(said[:1], FOR, response_schema=schema, max_tokens=1),
        ChatRequest(said, FOR, max_tokens=1),
    ):
        body = json.loads(encode_for_anthropic(request, "m"))
        words = [block.get("text", "") for turn in body["messages"] for block in turn["content"]]
        instructions = byte_tokens(json.dumps(body["tools"], ensure_ascii=False)) + 700
        assert worst(request).input >= byte_tokens("".join(words)) + instructions + IMAGE_WORST


def test_an_answer_without_a_limit_has_no_bound() -> None:
    with pytest.raises(ValueError, match="max_tokens"):
        worst(ChatRequest((Message("user", "hi"),), FOR))


def test_an_image_counts_by_itself_not_by_its_bytes() -> None:
    image = ImagePart(data=b"\x89PNG\r\n\x1a\n" + bytes(10**6))
    with_image = ChatRequest((Message("user", (TextPart("look"), image)),), FOR, max_tokens=1)
    without = ChatRequest((Message("user", "look"),), FOR, max_tokens=1)
    assert worst(with_image).input - worst(without).input == IMAGE_WORST
    assert expected(with_image).input - expected(without).input == 170


@given(TEXTS, st.integers(1, 9))
def test_what_is_expected_is_never_above_the_worst(text: str, max_tokens: int) -> None:
    request = ChatRequest((Message("user", text),), FOR, max_tokens=max_tokens)
    assert expected(request).input <= worst(request).input
    assert expected(request).output <= worst(request).output


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("four", 1), ("四字熟語", 4), ("\ud800", 1)])
def test_the_rule_of_thumb_knows_scripts(text: str, tokens: int) -> None:
    assert expected_text(text) == tokens
