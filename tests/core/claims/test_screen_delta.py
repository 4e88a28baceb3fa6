"""What a server learns on top of the shipped weights is bounded, and keyed by numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.claims import Screen
from wompcore.claims.delta import FEATURE_LIMIT, SHIFT_LIMIT

LINES = Path(__file__).parent / "lines"
TEXTS = [
    row.partition("\t")[2]
    for name in ("claims.txt", "casual_claims.txt", "casual_near_misses.txt")
    for row in (LINES / name).read_text(encoding="utf-8").splitlines()
]
SCREEN = Screen.shipped()
TEXT = st.sampled_from(TEXTS)


def odds(screen: Screen, text: str) -> float:
    score = screen.judge(text).score
    return math.log(score / (1 - score))


@given(TEXT, st.floats(-1e6, 1e6), st.integers(0, 50))
def test_a_delta_moves_a_message_by_a_bounded_amount(text: str, weight: float, count: int) -> None:
    learned = SCREEN.with_delta(dict.fromkeys(SCREEN.features(text)[:count], weight))
    if SCREEN.judge(text).score:
        moved = odds(learned, text) - odds(SCREEN, text)
        assert abs(moved) <= min(SHIFT_LIMIT, count * FEATURE_LIMIT) + 0.02  # scores are rounded
        assert moved * weight >= -1e-9


@given(TEXT, st.dictionaries(st.integers(0, 2**32 - 1), st.floats(-5, 5), max_size=20))
def test_learning_never_makes_a_silent_line_speak(text: str, delta: dict[int, float]) -> None:
    if SCREEN.judge(text).score == 0:
        assert SCREEN.with_delta(delta).judge(text).score == 0


def test_one_feature_counts_at_most_its_limit() -> None:
    text = "the price of bread rose by ten percent in that country"
    feature = SCREEN.features(text)[0]
    assert odds(SCREEN.with_delta({feature: 99.0}), text) - odds(SCREEN, text) == pytest.approx(
        FEATURE_LIMIT, abs=0.01
    )


def test_a_server_can_learn_a_family_away() -> None:
    text = "mark my words, they ship it before march"
    learned = SCREEN.with_delta(dict.fromkeys(SCREEN.features(text), -9.0))
    assert SCREEN.judge(text).fires
    assert not learned.judge(text).fires


def test_an_empty_delta_changes_nothing_and_deltas_do_not_add_up() -> None:
    text = TEXTS[0]
    once = SCREEN.with_delta(dict.fromkeys(SCREEN.features(text), 9.0))
    assert once.with_delta({}).judge(text) == SCREEN.judge(text)
    assert once.judge(text).score > SCREEN.judge(text).score


@given(TEXT)
def test_features_are_distinct_numbers_in_rising_order(text: str) -> None:
    features = SCREEN.features(text)
    assert list(features) == sorted(set(features))
    assert all(0 <= feature < 2**32 for feature in features)


def test_words_outside_the_vocabulary_leave_no_trace() -> None:
    plain = SCREEN.features("they told everyone that it was sold to the man for ten million")
    named = SCREEN.features("they told everyone that it was sold to Xqvbarzt the man for ten million")
    assert set(named) < set(plain)


def test_features_of_what_is_never_judged_are_none() -> None:
    assert SCREEN.features("will they ever win the league again?") == ()
    assert SCREEN.features("short one") == ()


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_no_number_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        SCREEN.with_delta({1: weight})
