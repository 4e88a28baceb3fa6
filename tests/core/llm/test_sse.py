"""Server-sent events, however they are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.llm.sse import EventParser

STREAM = (
    ': hello\n\nid: 7\nevent: delta\ndata: {"a":"häß 日本 🎲"}\n\n'
    "data:one\ndata: two\ndata\n\nretry: 5\n\ndata: [DONE]\n\n"
)
EVENTS = ['{"a":"häß 日本 🎲"}', "one\ntwo\n", "[DONE]"]


def parsed(*chunks: bytes) -> list[str]:
    parser = EventParser()
    found = [data for chunk in chunks for data in parser.feed(chunk)]
    return [data.decode() for data in [*found, *parser.close()]]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_means_the_same(newline: str) -> None:
    stream = STREAM.replace("\n", newline).encode()
    assert parsed(stream) == EVENTS
    assert parsed(*(bytes([byte]) for byte in stream)) == EVENTS


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_cut_in_two_and_in_three_gives_the_same(newline: str) -> None:
    stream = STREAM.replace("\n", newline).encode()
    for first in range(len(stream) + 1):
        assert parsed(stream[:first], stream[first:]) == EVENTS
        for second in range(first, len(stream) + 1):
            assert parsed(stream[:first], stream[first:second], stream[second:]) == EVENTS


LINE = st.sampled_from(
    [b"", b"data", b"data:", b"data: ", b"data:x", b"data: \xe2\x82\xac", b": hi", b"id: 1", b"x"]
)
STREAMS = st.lists(st.tuples(LINE, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=30).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(stream=STREAMS | st.binary(max_size=80), cuts=st.lists(st.integers(0, 200), max_size=12))
def test_where_the_bytes_are_cut_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[start:end] for start, end in pairwise(places)]
    whole, pieces = EventParser(), EventParser()
    expected = [*whole.feed(stream), *whole.close()]
    assert [*(data for chunk in chunks for data in pieces.feed(chunk)), *pieces.close()] == expected


def test_an_event_counts_as_soon_as_its_empty_line_is_there() -> None:
    parser = EventParser()
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\r") == [b"a"]
    assert parser.feed(b"\ndata: b\n\n") == [b"b"]


def test_only_the_first_byte_order_mark_is_skipped() -> None:
    assert parsed(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n") == ["a"]


def test_only_one_space_after_the_colon_is_skipped() -> None:
    assert parsed(b"data:  a\n\ndata:\tb\n\n") == [" a", "\tb"]


def test_comments_and_events_without_data_say_nothing() -> None:
    assert parsed(b": OPENROUTER PROCESSING\n\n:\n\nevent: ping\n\ndata:\n\n\n\n") == []


def test_the_last_event_may_lack_its_empty_line() -> None:
    assert parsed(b"data: a\n\ndata: b") == ["a", "b"]


@pytest.mark.timeout(20)
def test_a_long_line_in_small_pieces_costs_no_more_than_its_length() -> None:
    parser = EventParser()
    for _ in range(1_000_000):
        assert parser.feed(b"data") == []
