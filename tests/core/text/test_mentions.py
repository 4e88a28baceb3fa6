from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.text import defuse_mentions, mentions_to_names, restore_mentions

NAMES = {"bob": 1, "anna.b": 2, "everyone": 3, "here": 4, "strasse": 5}


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        ("hi @Bob, and @ANNA.B.", "hi <@1>, and <@2>."),
        ("@bob... @straße", "<@1>... <@5>"),
        ("(@bob)", "(<@1>)"),
        ("@nobody stays", "@nobody stays"),
        ("@everyone @here @Here", "@everyone @here @Here"),
        ("write to me@bob or @@bob", "write to me@bob or @@bob"),
        ("<@bob>", "<@bob>"),
        ("`@bob` and ```\n@bob\n``` but @bob", "`@bob` and ```\n@bob\n``` but <@1>"),
        ("@" + "b" * 33, "@" + "b" * 33),
        ("@b", "@b"),
    ],
)
def test_known_names_become_mentions(text: str, restored: str) -> None:
    assert restore_mentions(text, NAMES) == restored


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("<@1> and <@!2>", "@Bob and @user_2"),
        ("<@&1> <#1> <:x:1>", "<@&1> <#1> <:x:1>"),
        ("<@123456789012345678901>", "<@123456789012345678901>"),
    ],
)
def test_mentions_become_names(text: str, named: str) -> None:
    assert mentions_to_names(text, {1: "Bob"}) == named


@given(st.lists(st.sampled_from(["@", "everyone", "here", "HERE", "<", "<@", "&", "12", ">", " ", "\u200b"])))
def test_no_mass_ping_survives(pieces: list[str]) -> None:
    defused = defuse_mentions("".join(pieces))
    assert not re.search(r"@(everyone|here)|<@&[0-9]+>", defused, re.IGNORECASE)
    assert defused.replace("\u200b", "") == "".join(pieces).replace("\u200b", "")


def test_people_are_still_mentioned() -> None:
    assert defuse_mentions("<@1> and <@!2> @heretic") == "<@1> and <@!2> @\u200bheretic"
