"""The table of calls goes to those it concerns, and to nobody else."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from discord.ext import commands

from booked_calls import ELSEWHERE, spend
from living_bot import OWNER, Living
from wompbot_cogs.cogs.spend.cog import write
from wompbot_cogs.simulated import Said


async def both_servers(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    await spend(living, 2, "bob", "0.000002", guild_id=ELSEWHERE)
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('carol').id}>")


def lines(shown: Said) -> list[dict[str, str]]:
    [file] = shown.files
    assert file.name.startswith("costs-20")
    return list(csv.DictReader(file.content.decode().splitlines()))


async def test_the_owner_gets_every_call_and_alone_sees_it(living: Living) -> None:
    await both_servers(living)
    [shown] = await living.guild.slash(OWNER, "spend export")
    assert shown.ephemeral
    assert [line["cost_usd"] for line in lines(shown)] == ["0.1", "0.000002"]


async def test_an_admin_gets_their_server_only(living: Living) -> None:
    await both_servers(living)
    [shown] = await living.guild.slash("carol", "spend export")
    assert [line["person_id"] for line in lines(shown)] == [str(living.guild.member("alice").id)]


async def test_a_member_gets_no_table(living: Living) -> None:
    await both_servers(living)
    [shown] = await living.guild.slash("alice", "spend export")
    assert not shown.files
    assert "bot admin" in shown.text


async def test_no_table_is_sent_where_everybody_reads_along(living: Living) -> None:
    await both_servers(living)
    assert "/spend export" in await living.ask(OWNER, "!spend export")
    assert not living.guild.answers()[-1].files


async def test_people_who_opted_out_are_not_in_the_table(living: Living) -> None:
    await both_servers(living)
    await living.ask("alice", "!optout")
    [shown] = await living.guild.slash(OWNER, "spend export")
    assert [bool(line["person_id"]) for line in lines(shown)] == [False, True]


async def test_a_month_that_cannot_be_read_is_refused(living: Living) -> None:
    for month in ("november", "2026-13", "9999-12", "2026-1", "2026-11; DROP"):
        [shown] = await living.guild.slash(OWNER, "spend export", month=month)
        assert "2026-11" in shown.text
    assert not living.app.bot.failures


async def test_another_month_is_sent_too(living: Living) -> None:
    await both_servers(living)
    [shown] = await living.guild.slash(OWNER, "spend export", month="2020-02")
    assert lines(shown) == []
    assert "February 2020" in shown.text


async def some_lines() -> AsyncIterator[str]:
    for _ in range(10):
        yield "ä" * 10


async def test_a_table_beyond_what_discord_takes_is_refused_before_it_is_whole() -> None:
    file = BytesIO()
    with pytest.raises(commands.BadArgument, match="larger than what Discord takes"):
        await write(some_lines(), file, most=50)
    assert len(file.getvalue()) == 60
    await write(some_lines(), file := BytesIO(), most=200)
    assert len(file.read()) == 200
