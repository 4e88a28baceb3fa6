"""The table of calls goes to those it concerns, and to nobody else."""

from __future__ import annotations

import csv
import gzip
from collections.abc import AsyncIterator
from io import BytesIO

import discord
import pytest
from discord.ext import commands

from booked_calls import ELSEWHERE, spend
from living_bot import OWNER, Living
from wompbot_cogs.cogs.spend.cog import write
from wompbot_cogs.simulated import Said

MANY = """
INSERT INTO cost_entries (id, provider, model, purpose, guild_id, person_id, input_tokens, output_tokens,
    cost_usd, price_source, outcome)
SELECT ((extract(epoch FROM now() - timestamptz '2015-01-01 00:00:00+00') * 1000)::bigint << 22) + n, 'p',
    md5(n::text), 'chat', 7, ('x' || left(md5(n::text), 12))::bit(48)::bigint, n, n, 0.000001, 'test', 'ok'
FROM generate_series(1, 9000) AS n
"""


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
    with pytest.raises(commands.BadArgument, match="larger than 200 MB"):
        await write(some_lines(), file, most=50)
    assert len(file.getvalue()) == 60
    await write(some_lines(), file := BytesIO(), most=200)
    assert len(file.getvalue()) == 200


async def test_a_large_month_comes_in_packed_tables_that_each_have_a_header(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Discord takes is made small; everything else is as it is."""
    monkeypatch.setattr(discord.ext.commands.Context, "filesize_limit", 320_000)
    await living.app.core.db.execute(MANY)
    shown = await living.guild.slash(OWNER, "spend export")
    files = [file for said in shown for file in said.files]
    assert [file.name[13:] for file in files] == [f"-{n}.csv.gz" for n in range(1, len(files) + 1)]
    assert len(files) > 1
    assert all(len(file.content) <= 320_000 for file in files)
    tables = [list(csv.DictReader(gzip.decompress(file.content).decode().splitlines())) for file in files]
    ids = [int(line["id"]) for table in tables for line in table]
    assert ids == sorted(set(ids))
    assert len(ids) == 9_000
