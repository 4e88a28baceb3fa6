from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wompcore.claims import THRESHOLDS, Screen, prefilter
from wompcore.claims.reading import READ_CHARS
from wompcore.claims.rules import RULES

LINES = Path(__file__).parent / "lines"
CHAT = sorted((Path(__file__).parents[3].parent / "shared" / "data" / "chat").glob("*.jsonl"))
SCREEN = Screen.shipped()


def labelled(name: str) -> list[tuple[str, str]]:
    rows = (LINES / name).read_text(encoding="utf-8").splitlines()
    return [(label, text) for label, _, text in (row.partition("\t") for row in rows)]


CLAIMS = labelled("claims.txt")
NEAR_MISSES = labelled("near_misses.txt")

CUE_WORDS = sorted(
    {word for rule in RULES for words in (rule.first, *(w for _, w in rule.then)) for word in words}
)
CHATTER = st.lists(
    st.sampled_from(
        [*CUE_WORDS, "going to", "the", "people", "my", "maybe", ".", "?", "%", "yes", "lol", "`", "\n"]
    ),
    max_size=40,
).map(" ".join)
ANY_TEXT = st.one_of(st.text(), CHATTER)
HOSTILE = st.lists(
    st.sampled_from([*CUE_WORDS, "\u0130", "`", "<", ">", "> ", "https://", "%", "/s", '"', "@", "000"]),
    min_size=100,
    max_size=400,
)


def test_most_claims_fire() -> None:
    silent = [text for _, text in CLAIMS if not SCREEN.judge(text).fires]
    assert len(silent) <= 0.2 * len(CLAIMS), silent


@pytest.mark.parametrize("kind", ["prediction", "guarantee"])
def test_a_claim_that_fires_as_its_kind_says_so(kind: str) -> None:
    verdicts = [SCREEN.judge(text) for label, text in CLAIMS if label == kind]
    named = [verdict for verdict in verdicts if kind in verdict.kinds]
    assert len(named) >= 0.8 * len(verdicts)


def test_near_misses_stay_silent() -> None:
    assert [text for _, text in NEAR_MISSES if SCREEN.judge(text).fires] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("about 80% of them are made in one factory", id="percent sign"),
        pytest.param("they will never win anything again /s", id="joke marker"),
    ],
)
def test_the_two_rules_that_never_matched_work(text: str) -> None:
    assert SCREEN.judge(text).fires != text.endswith("/s")


@pytest.mark.parametrize(
    "text",
    [
        "everyone in that league is overpaid",  # a quantifier with its verb near by
        "this was the worst finale ever made",
        "tea is actually older than that",
    ],
)
def test_one_weak_family_alone_fires_only_when_thorough(text: str) -> None:
    assert not SCREEN.judge(text).fires
    assert SCREEN.judge(text, threshold="thorough").fires


def test_two_families_fire_together() -> None:
    verdict = SCREEN.judge("everyone in that league is doping, the worst sport ever")
    assert verdict == (True, 0.65, ("fact", "absolute"), ("everyone … is", "worst … ever"))


@pytest.mark.parametrize(
    "text",
    [
        "all the very old and slow trains are late",  # more than four words between
        "all our trains are late, worst line ever",  # about the speaker's own surroundings
        "everyone waits. that is the worst ever",  # another sentence
    ],
)
def test_a_quantifier_needs_its_verb_near_by_and_nothing_of_ones_own(text: str) -> None:
    assert "fact" not in SCREEN.judge(text).kinds


def test_cues_are_the_words_that_told() -> None:
    assert SCREEN.judge("That shop is going to be gone before 2030").cues == ("gonna … before 2030",)


@pytest.mark.parametrize(
    "text", ["", " " * 50, "\n" * 50, "?" * 50, "\u0301" * 4000, "12 34 " * 50, "' " * 50]
)
def test_nothing_said_never_fires(text: str) -> None:
    assert not SCREEN.judge(text, threshold=0.0).fires


@given(ANY_TEXT)
def test_thorough_fires_wherever_standard_does(text: str) -> None:
    standard, thorough = SCREEN.judge(text), SCREEN.judge(text, threshold="thorough")
    assert standard[1:] == thorough[1:]
    assert thorough.fires or not standard.fires


@given(ANY_TEXT, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_fires_more(text: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert SCREEN.judge(text, threshold=low).fires >= SCREEN.judge(text, threshold=high).fires


@given(ANY_TEXT)
def test_the_score_is_a_share_and_has_its_reasons(text: str) -> None:
    verdict = SCREEN.judge(text)
    assert 0 <= verdict.score <= 1
    assert bool(verdict.kinds) == (verdict.score >= THRESHOLDS["thorough"])
    assert verdict.kinds or not verdict.cues
    assert verdict.fires == (verdict.score >= THRESHOLDS["standard"])


@given(CHATTER, st.text(" \n\t", max_size=5))
def test_case_and_trailing_space_do_not_matter(text: str, space: str) -> None:
    assert SCREEN.judge(text.upper() + space) == SCREEN.judge(text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_behind_the_part_that_is_read_matters(one: str, other: str) -> None:
    start = ("they will never win that title again. " * 30)[:READ_CHARS]
    assert SCREEN.judge(f"{start}{one}.") == SCREEN.judge(f"{start}{other}.")


@given(HOSTILE)
def test_no_text_has_more_reasons_than_there_are_families_twice_and_three_words(words: list[str]) -> None:
    assert len(SCREEN.judge(" ".join(words)).cues) <= 8 + 3


@settings(max_examples=25, deadline=None)
@given(HOSTILE.map(" ".join), st.integers(1, 20))
def test_the_work_grows_no_faster_than_the_part_that_is_read(unit: str, times: int) -> None:
    text = unit * times
    assert work(text) <= 1000 + 50 * min(len(text), READ_CHARS)


def work(text: str) -> int:
    """Return the number of bytecode instructions that judging a text takes."""
    count = 0

    def step(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return step

    tracer = sys.gettrace()
    sys.settrace(step)
    try:
        SCREEN.judge(text)
    finally:
        sys.settrace(tracer)
    return count


def test_the_door_judges_like_the_shipped_screen() -> None:
    for _, text in CLAIMS:
        assert prefilter(text) == SCREEN.judge(text)


def test_an_unknown_threshold_is_an_error() -> None:
    with pytest.raises(ValueError, match="eager"):
        SCREEN.judge("they will never win anything again", threshold="eager")  # type: ignore[arg-type]


def ordinary_talk() -> Iterator[tuple[str, list[str]]]:
    yield "small talk", [text for label, text in NEAR_MISSES if label in ("smalltalk", "support", "plain")]
    for file in CHAT:
        with file.open(encoding="utf-8") as rows:
            yield file.name, [json.loads(row)["text"] for row in rows]


def test_ordinary_talk_fires_in_at_most_one_message_of_fifty() -> None:
    for name, texts in ordinary_talk():
        fires = sum(SCREEN.judge(text).fires for text in texts)
        assert fires <= 0.02 * len(texts), name
