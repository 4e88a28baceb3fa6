from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wompcore.text import split_message
from wompcore.text.splitting import pieces

WORDS = st.sampled_from(
    [
        "word",
        "a",
        "supercalifragilistic" * 3,
        "Ends.",
        "really?",
        "```",
        "```python\n",
        "```\n",
        "``",
        "`",
        "\n",
        "\n\n",
        "  ",
        "    indented",
        "\u0301" * 40,
        "👩\u200d👩\u200d👧",
        "x" * 70,
        " " * 90,
        "\n" * 80,
    ]
)
TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(WORDS, max_size=80).map("".join),
    st.lists(WORDS, max_size=60).map(" ".join),
)
LIMITS = st.integers(64, 200)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@given(TEXTS, LIMITS)
def test_every_part_fits_and_says_something(text: str, limit: int) -> None:
    for part in split_message(text, limit):
        assert len(part) <= limit
        assert part.strip()


@given(TEXTS, LIMITS)
def test_fences_are_balanced_in_every_part(text: str, limit: int) -> None:
    for part in split_message(text, limit):
        assert part.count("```") % 2 == 0


@given(TEXTS, LIMITS)
@example("```py\n" + "x = 1\n" * 40 + "```", 64)
def test_without_the_added_fence_lines_the_parts_give_back_the_text(text: str, limit: int) -> None:
    parts = list(pieces(text, limit))
    rebuilt = ""
    for part, following in pairwise([*parts, None]):
        assert part is not None
        goes_on = following is not None and following.head
        # A tail stands for the text's own closing mark unless the next part opens the block again.
        rebuilt += part.body + ("" if goes_on else part.tail)
    unclosed = "```" if split_ends_open(text) else ""
    assert squeezed(rebuilt) == squeezed(text) + unclosed


def split_ends_open(text: str) -> bool:
    return text.rstrip().count("```") % 2 == 1


@given(st.text(max_size=2000))
def test_a_text_that_fits_stays_one_message(text: str) -> None:
    if "```" not in text:
        assert split_message(text) == ([text.strip()] if text.strip() else [])


def test_nothing_gives_no_message() -> None:
    assert split_message("") == []
    assert split_message(" \n\t " * 2000) == []


def test_two_thousand_characters_are_one_message() -> None:
    assert split_message("x" * 2000) == ["x" * 2000]
    assert [len(part) for part in split_message("x" * 2001)] == [1996, 5]


def test_paragraphs_come_before_lines_before_sentences_before_words() -> None:
    first, second = "a " * 20, "b " * 20
    assert split_message(f"{first}\n\nmore\n{second}", 64) == [first.strip(), f"more\n{second.strip()}"]
    assert split_message(f"{first}. x\n{second}", 64) == [f"{first}. x", second.strip()]
    assert split_message(f"{first}x. {second}", 64) == [f"{first}x.", second.strip()]
    assert all(set(part.split()) == {"word"} for part in split_message("word " * 100, 64))


def test_a_long_address_is_kept_whole_when_it_fits_one_message() -> None:
    address = "https://example.org/" + "x" * 35
    assert split_message(f"see {address} and so on", 64) == [f"see {address}", "and so on"]


def test_code_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"    line({number})" for number in range(12))
    parts = split_message(f"Look:\n```python\n{code}\n```\nDone.", 80)
    assert len(parts) > 2
    assert parts[0].startswith("Look:\n```python\n    line(0)")
    assert parts[0].endswith("\n```")
    for part in parts[1:]:
        assert part.startswith("```python\n    line(")
    assert parts[-1].endswith("```\nDone.")


def test_no_part_ends_in_an_opening_mark_without_code() -> None:
    text = "x" * 50 + " ```python\n" + "print()\n" * 10 + "```"
    for part in split_message(text, 64):
        assert "```python\n\n```" not in part
        assert part.count("```") in (0, 2)


def test_an_open_fence_is_closed_at_the_end() -> None:
    assert split_message("```py\nprint()") == ["```py\nprint()\n```"]


def test_a_cluster_of_marks_stays_with_its_letter() -> None:
    parts = split_message("x" * 59 + "e\u0301" * 10, 64)
    assert all(not part.startswith("\u0301") for part in parts)


def test_a_limit_too_small_to_hold_a_fence_is_an_error() -> None:
    with pytest.raises(ValueError, match="64"):
        split_message("hello", 10)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["\u0301", "\n", " ", "`", "```", "```\n", "a ", "x", "```a\n \n", "a\n\n"]))
def test_a_very_long_text_of_one_kind_still_splits(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    assert all(len(part) <= 2000 for part in split_message(text))
