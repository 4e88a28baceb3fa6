"""What people wrote, among the bot's own words."""

from __future__ import annotations

import unicodedata

import pytest
from discord.utils import escape_markdown, escape_mentions
from hypothesis import given
from hypothesis import strategies as st

from wompbot_cogs import plain

SIGNS = "*_`~|>#-[]()\\@ <&!1\n\u200b\u202e\u2066é👍"
HOSTILE = st.text(st.sampled_from(SIGNS) | st.characters(), max_size=300)


@given(HOSTILE, st.integers(0, 120))
def test_any_text_is_one_line_that_fits_and_turns_nothing_round(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.bidirectional(char) for char in shown} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }


@pytest.mark.parametrize(
    "text",
    ["@everyone", "<@123456789012345678>", "<@&123456789012345678>", "**loud**", "[go](https://x.example)"],
)
def test_nobody_is_called_and_nothing_is_formatted(text: str) -> None:
    assert plain(text, 100) == escape_mentions(escape_markdown(text)) != text


def test_what_is_cut_says_so_and_is_cut_late() -> None:
    assert plain("a" * 50, 10) == "aaaaaaaaa…"
    assert plain("*" * 50, 10) == "\\*\\*\\*\\*…"
    assert plain("  a\n b ", 10) == "a b"
