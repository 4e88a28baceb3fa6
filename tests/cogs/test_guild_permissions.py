from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import discord

from wompbot_cogs.guild_permissions import lacking

NEEDS = {
    "judge": frozenset({"kick_members", "ban_members"}),
    "hello": frozenset({"send_messages"}),
    "dice": frozenset(),
}


def guild(id_: int, name: str = "Home", *, unavailable: bool = False, **held: bool) -> Any:
    """Return what is looked at of a guild that Discord told of."""
    me = None if unavailable else SimpleNamespace(guild_permissions=discord.Permissions(**held))
    return SimpleNamespace(id=id_, name=name, unavailable=unavailable, me=me)


def test_what_is_missing_is_told_by_plugin_and_server() -> None:
    guilds = [guild(1, send_messages=True, ban_members=True), guild(2, "Away\n**x**", send_messages=True)]
    lines = ("kick_members in Home (1)", "ban_members, kick_members in Away **x** (2)")
    assert lacking(guilds, NEEDS) == {"judge": lines}


def test_a_server_that_is_not_there_is_passed_over() -> None:
    assert lacking([guild(1, unavailable=True)], NEEDS) == {}


def test_a_bot_of_many_servers_names_a_hundred_and_counts_the_others() -> None:
    lines = lacking([guild(number, ban_members=True, kick_members=True) for number in range(107)], NEEDS)[
        "hello"
    ]
    assert (len(lines), lines[-1]) == (101, "something in 7 more servers")
