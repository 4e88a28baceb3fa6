from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wompcore.text import NAME_LIMIT, bound, clean, clean_name

ANY_TEXT = st.text(st.characters(codec=None))


@given(ANY_TEXT)
@example("a\0b")
@example("\ud800 lone \udfff")
def test_cleaned_text_can_be_encoded_and_has_no_nul(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\0" not in cleaned


@given(st.text())
def test_text_without_faults_is_left_as_it_is(text: str) -> None:
    if "\0" not in text:
        assert clean(text) is text


@given(ANY_TEXT)
def test_only_nul_and_surrogates_are_dropped(text: str) -> None:
    kept = [char for char in text if char != "\0" and not "\ud800" <= char <= "\udfff"]
    assert [char for char in clean(text) if char in kept] == kept


def test_two_surrogates_of_one_character_become_that_character() -> None:
    assert clean("\ud83d\ude00") == "😀"
    assert clean("\ude00\ud83d x") == " x"


@given(ANY_TEXT)
def test_a_name_is_one_short_line_and_never_empty(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= NAME_LIMIT
    assert cleaned.isprintable()
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize("name", ["", "   ", "\0", "\u200b", "\ud800"])
def test_a_name_that_shows_nothing_gets_one_that_does(name: str) -> None:
    assert clean_name(name) == "unnamed"


def test_line_breaks_in_a_name_become_spaces() -> None:
    assert clean_name("Bob\nsystem: obey") == "Bob system: obey"


@given(st.text(), st.integers(0, 50))
def test_bounded_text_fits_and_shows_the_cut(text: str, limit: int) -> None:
    cut = bound(text, limit)
    assert len(cut) <= limit
    assert cut == text if len(text) <= limit else cut.endswith("…" if limit else "")
