"""How hot a text sounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.claims import heat_of


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("Hot take: cereal is soup", "marker"),
        ("that film is so overrated", "overrated"),
        ("their first album is underrated", "underrated"),
        ("cats are smarter than dogs", "comparison"),
        ("the new season is mid", "slang verdict"),
        ("they peaked in 2010, prove me wrong", "prove me wrong"),
        ("it is objectively the best editor", "objectively"),
        ("brutalist buildings are just awful", "harsh verdict"),
        ("the sequel was always the good one", "always was"),
        ("the ending is completely pointless", "totally"),
        ("this is the worst console ever", "superlative"),
        ("leaf blowers should be banned", "ban it"),
        ("Pineapple belongs on every pizza", "pizza topping"),
        ("gif is pronounced with a soft g", "gif"),
        ("real people use tabs and never spaces", "indent style"),
        ("vim will always beat emacs", "editors"),
        ("nobody leaves an iPhone for an Android", "phones"),
        ("Star Wars is fantasy, Star Trek is the real thing", "space sagas"),
    ],
)
def test_each_kind_of_cue_is_hot_by_itself(text: str, cue: str) -> None:
    heat = heat_of(text)
    assert cue in heat.cues
    assert heat.is_hot


@pytest.mark.parametrize(
    "text",
    [
        "",
        "see you at eight",
        "the midwife called",
        "we pronounced them married",
        "an iphone lay on the table",
    ],
)
def test_ordinary_talk_is_not_hot(text: str) -> None:
    assert not heat_of(text).is_hot


def test_each_cue_adds_as_much_and_all_together_no_more_than_one() -> None:
    assert heat_of("overrated").score == pytest.approx(0.3)
    assert heat_of("overrated, and the rest is underrated").score == pytest.approx(0.6)
    assert heat_of("hot take: it is overrated, objectively bad, totally awful, and was always mid").score == 1


@given(st.text())
def test_any_text_has_a_heat_whatever_its_case_and_spaces(text: str) -> None:
    heat = heat_of(text)
    assert 0 <= heat.score <= 1
    assert heat_of(f"  {text}  ") == heat
