"""Links that nobody gave are not opened."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.text import hold_links, links_in

KNOWN = {"https://a.example/x"}


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("see https://b.example/x.", "see <https://b.example/x>."),
        ("see https://a.example/x.", "see https://a.example/x."),
        ("https://a.example/x?secret=1", "<https://a.example/x?secret=1>"),
        ("[here](https://b.example/a_(b)), or", "[here](<https://b.example/a_(b)>), or"),
        ("<https://b.example/>", "<https://b.example/>"),
        (
            "`https://b.example/` ```\nhttps://b.example\n```",
            "`https://b.example/` ```\nhttps://b.example\n```",
        ),
        ("HTTP://B.example", "<HTTP://B.example>"),
        ("**https://b.example**", "**<https://b.example>**"),
        ("https://b.example) https://c.example", "<https://b.example>) <https://c.example>"),
        ("no link: http:/x", "no link: http:/x"),
    ],
)
def test_an_invented_link_is_held(text: str, held: str) -> None:
    assert hold_links(text, KNOWN) == held


def test_links_are_found_where_people_and_tools_write_them() -> None:
    text = "(https://a.example/x), <https://b.example> `https://c.example`\n1. https://d.example\nend"
    assert links_in(text) == {
        f"https://{host}" for host in ("a.example/x", "b.example", "c.example", "d.example")
    }


@given(st.text(st.sampled_from("htps:/.()<>` \nab")), st.sampled_from(["", "https://a", "http://b/("]))
def test_no_text_is_lost_and_what_is_held_stays_held(text: str, more: str) -> None:
    held = hold_links(text + more, ())
    assert re.sub("[<>]", "", held) == re.sub("[<>]", "", text + more)
    assert hold_links(held, ()) == held
