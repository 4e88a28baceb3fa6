"""The file of the screen's weights: checked when it is read, the same bytes for the same weights."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.claims.linear import LENGTHS, MODEL_FILE, LinearModel, parsed, shipped, written
from wompcore.claims.reading import shapes
from wompcore.errors import ScreenModelInvalid

CONTENT = files("wompcore.claims").joinpath(MODEL_FILE).read_bytes()
WEIGHTS = st.integers(-999, 999).filter(bool)
WORDS = st.text("abcz'0,.", min_size=1, max_size=6)


def test_the_file_is_small() -> None:
    assert len(CONTENT) <= 300_000


def test_the_file_is_written_as_it_was_read() -> None:
    assert written(parsed(CONTENT)) == CONTENT


@given(
    st.dictionaries(WORDS, WEIGHTS),
    st.dictionaries(st.tuples(WORDS, WORDS), WEIGHTS),
    st.lists(st.integers(-99, 99), min_size=LENGTHS, max_size=LENGTHS),
    st.floats(0.001, 10),
    st.floats(-10, 10),
    st.floats(-10, 0),
)
def test_any_weights_survive_a_file(
    words: dict[str, int],
    pairs: dict[tuple[str, str], int],
    lengths: list[int],
    unit: float,
    bias: float,
    reach: float,
) -> None:
    model = LinearModel(words, pairs, lengths, -5, unit, bias, reach)
    assert parsed(written(model)) == model


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"entries": [1, 2]},
        {"lengths": [0] * 3},
        {"unit": 0},
        {"unit": "nan"},
        {"bias": "inf"},
        {"reach": "nan"},
        {"words": {"5": "a\tb"}},
        {"words": {"five": "a"}},
        {"pairs": {"5": "no_pair"}},
        {"own": "much"},
        {"own": 10**9},
        {"words": None},
    ],
    ids=str,
)
def test_a_damaged_file_is_refused(change: dict[str, Any]) -> None:
    damaged = json.dumps(json.loads(CONTENT) | change).encode()
    with pytest.raises(ScreenModelInvalid, match="weights of the claim screen") as refused:
        parsed(damaged)
    assert "install" in refused.value.hint


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", CONTENT[: len(CONTENT) // 2]])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(ScreenModelInvalid):
        parsed(content)


def test_a_line_is_the_sum_of_its_distinct_words_and_pairs() -> None:
    model = LinearModel(
        {"tea": 3, "is": 1}, {("^", "tea"): 10, ("is", "tea"): 100}, [0] * LENGTHS, 0, 0.5, 1.0
    )
    line = ["tea", "is", "tea", "is", "tea"]
    assert model.log_odds(line, set(line)) == 1.0 + 0.5 * (3 + 1 + 10 + 100)


def test_pairs_count_where_words_come_within_reach() -> None:
    model = LinearModel({"tea": 3}, {("^", "tea"): 10}, [0] * LENGTHS, 0, 0.5, -2.0, reach=-1.0)
    assert model.log_odds(["tea"], {"tea"}) == -0.5 + 5
    assert model.log_odds(["^", "milk"], {"milk"}) == -2.0


def test_numbers_weigh_by_their_shape() -> None:
    assert shapes("in 1984 about 7% or 2,500.75") == shapes("in 2031 about 4% or 1,111.11")


def test_years_and_percent_speak_for_a_claim() -> None:
    model = shipped()
    assert model.words["percent"] > 0
    assert model.words["0000"] > 0
    assert model.words["thanks"] < 0
