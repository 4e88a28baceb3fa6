"""The screen's shortcuts change nothing: it agrees with its slow and plain twin."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slow_screen import slow_says_nothing, slow_score, slow_shapes
from wompcore.claims import Screen
from wompcore.claims.linear import shipped
from wompcore.claims.reading import prose, says_nothing, shapes
from wompcore.claims.rules import RULES

MODEL = shipped()
SCREEN = Screen.shipped()
LINES = sorted((Path(__file__).parent / "lines").glob("*.txt"))
WORDS = sorted({word for rule in RULES for step in (rule.first, *(s for _, s in rule.then)) for word in step})
SPECIAL = ["lol", "/s", "no", "way", "team", "yes", "anna", "i'm", "12.5", "7%", "2,500", "é"]
PIECES = st.sampled_from([*WORDS, *SPECIAL, *",.:;!?_\n\t\x00\x1b\x1c\"'`<>"])
SAID = st.lists(PIECES, max_size=30).flatmap(lambda some: st.sampled_from([" ".join(some), "".join(some)]))
TEXT = st.one_of(SAID, st.text(), st.text("ab1,.' :!\n_\t\x1c-", max_size=60))


@pytest.mark.parametrize("file", LINES, ids=lambda file: file.stem)
def test_every_line_of_ours_has_the_score_of_the_slow_screen(file: Path) -> None:
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.rpartition("\t")[2]
        assert SCREEN.judge(text).score == slow_score(MODEL, text), text


@given(TEXT)
def test_any_text_has_the_score_of_the_slow_screen(text: str) -> None:
    assert SCREEN.judge(text).score == slow_score(MODEL, text)


@given(TEXT)
def test_any_text_has_the_tokens_of_the_slow_screen(text: str) -> None:
    line = prose(text)
    tokens = shapes(line)
    assert tokens == slow_shapes(line)
    assert says_nothing(line, tokens, set(tokens)) == slow_says_nothing(line, tokens)
