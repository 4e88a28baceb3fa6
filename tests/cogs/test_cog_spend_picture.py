"""Pictures of spending are bounded, whatever the names in them, and are told in words too."""

from __future__ import annotations

import decimal
import gc
import struct
import sys
from datetime import date, timedelta
from decimal import Decimal

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from booked_calls import spend
from living_bot import OWNER, Living
from wompbot_cogs.cogs.spend import texts
from wompbot_cogs.cogs.spend.chart import Picture, draw
from wompcore.costs import Forecast

TODAY = date(2026, 11, 23)
DAYS = {date(2026, 11, 1) + timedelta(days=number): Decimal(number) / 7 for number in range(23)}
SEEN = Forecast(Decimal(20), Decimal(18), Decimal(22), Decimal(1), 22)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@given(st.lists(st.tuples(st.text(max_size=200), st.decimals(0, 10**9, places=9)), max_size=12).map(tuple))
@settings(max_examples=8, deadline=None)
def test_any_names_and_amounts_fit_into_a_picture(rows: tuple[tuple[str, Decimal], ...]) -> None:
    width, height = size(draw(Picture("November 2026", Decimal(1), "By person", rows, TODAY)))
    assert width == 1200
    assert height <= 1200


@pytest.mark.parametrize(
    "name", ["$\\frac{$", "W" * 500, "日本語", "\u202eevil\n- all", "$" * 80, "\ud83d", ""]
)
def test_a_hostile_name_is_drawn_as_text(name: str) -> None:
    picture = Picture(name, Decimal(0), "By person", ((name, Decimal(0)),), TODAY, DAYS, SEEN)
    assert size(draw(picture))[0] == 1200


def test_a_month_that_cost_nothing_can_be_drawn() -> None:
    free = dict.fromkeys(DAYS, Decimal(0))
    assert size(draw(Picture("November 2026", Decimal(0), "By model", (), TODAY, free)))[0] == 1200


def test_a_figure_is_gone_once_it_is_drawn_or_has_failed() -> None:
    draw(Picture("November 2026", Decimal(1), "By model", (), TODAY))
    with pytest.raises(decimal.InvalidOperation):
        draw(Picture("November 2026", Decimal("NaN"), "By model", (), TODAY, DAYS, SEEN))
    gc.collect()
    assert not [thing for thing in gc.get_objects() if type(thing) is Figure]


def test_a_picture_is_told_in_words() -> None:
    rows = (("chat", Decimal(9)), ("claim check", Decimal("0.5")))
    words = texts.alt_text(Picture("November 2026, you", Decimal(10), "By purpose", rows, TODAY, DAYS, SEEN))
    assert "November 2026, you: $10.00" in words
    assert "the dearest was 23 November with $3.14" in words
    assert "Forecast for the month: $20.00, 8 times in 10 between $18.00 and $22.00" in words
    assert "By purpose: chat $9.00, claim check $0.50." in words
    long = Picture("t", Decimal(1), "By person", (("n" * 80, Decimal(1)),) * 20, TODAY, DAYS)
    assert len(texts.alt_text(long)) <= 1024


async def test_the_owners_answer_has_a_picture_with_its_words(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    [shown] = await living.guild.slash(OWNER, "spend month")
    [file] = shown.files
    assert size(file.content)[0] == 1200
    assert "everywhere: $0.10" in file.description
    assert "claim check $0.10" in file.description


async def test_a_picture_by_person_shows_names_but_not_of_those_who_opted_out(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    await spend(living, 2, "bob", "0.2")
    await living.ask("bob", "!optout")
    [shown] = await living.guild.slash(OWNER, "spend month", by="person")
    [file] = shown.files
    assert "By person: someone who opted out $0.20, alice $0.10." in file.description
    assert f"- <@{living.guild.member('alice').id}>: $0.10 (1 call, 33%)" in shown.text
    assert "By model" not in shown.text


async def test_a_list_that_leaves_some_out_says_so_in_picture_and_words(living: Living) -> None:
    for number in range(16):
        await spend(living, number + 1, f"person{number}", f"0.{number + 10}")
    [shown] = await living.guild.slash(OWNER, "spend month", by="person")
    assert "By person, the 15 dearest\n- <@" in shown.text
    assert shown.text.count("(1 call") == 15
    assert "By person, the 8 dearest: person15 $0.25, person14 $0.24" in shown.files[0].description
    assert "person7 " not in shown.files[0].description


async def test_days_are_told_in_words_too(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    [shown] = await living.guild.slash(OWNER, "spend month", by="day")
    today = living.app.core.clock.now()
    assert shown.text.splitlines()[1:] == [f"- {today.day} {today:%B}: $0.10"]
    assert shown.files


async def test_a_member_gets_no_picture_of_others(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    [shown] = await living.guild.slash("alice", "spend month", by="person")
    assert not shown.files
    assert "you in this server: $0.10" in shown.text
    assert "\n" not in shown.text


async def test_what_is_private_is_not_asked_for_in_public(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    for by in ("person", "channel", "server"):
        assert "only you see" in await living.ask(OWNER, f"!spend {by}")


async def test_a_public_picture_names_nobody(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    await living.ask(OWNER, "!spend")
    shown = living.guild.answers()[-1]
    [file] = shown.files
    assert "alice" not in file.description
    assert "general" not in file.description
    assert "By channel" not in shown.text


async def test_without_the_extra_the_text_alone_comes_and_the_owner_is_told(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as if it were not installed
    await spend(living, 1, "alice", "0.1")
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('carol').id}>")
    [to_owner] = await living.guild.slash(OWNER, "spend month")
    [to_admin] = await living.guild.slash("carol", "spend month")
    assert not to_owner.files
    assert 'pip install "wompcore[charts]"' in to_owner.text
    assert "this server: $0.10" in to_admin.text
    assert "pip" not in to_admin.text


async def test_a_channel_that_an_admin_cannot_see_is_not_named(living: Living) -> None:
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('carol').id}>")
    secret = living.guild.channel_id() + 50
    living.guild.add_channel("secret-plans", secret)
    await spend(living, 1, "alice", "0.1", channel_id=secret)
    await spend(living, 2, "alice", "0.2", channel_id=living.guild.channel_id())
    channel = living.app.bot.get_channel(secret)
    assert isinstance(channel, discord.TextChannel)
    await channel.set_permissions(channel.guild.default_role, view_channel=False)
    [shown] = await living.guild.slash("carol", "spend month", by="channel")
    [file] = shown.files
    assert "By channel: #general $0.20, a channel you cannot see $0.10." in file.description
    assert "- a channel you cannot see: $0.10 (1 call, 33%)" in shown.text
    assert str(secret) not in shown.text
    [shown] = await living.guild.slash(OWNER, "spend month", by="channel")
    assert "#secret-plans $0.10" in shown.files[0].description


async def test_a_private_thread_is_named_to_nobody_who_may_not_manage_it(living: Living) -> None:
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('carol').id}>")
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    thread = await channel.create_thread(name="layoffs", type=discord.ChannelType.private_thread)
    await spend(living, 1, "alice", "0.1", channel_id=thread.id)
    [shown] = await living.guild.slash("carol", "spend month", by="channel")
    assert "a channel you cannot see: $0.10" in shown.text
    assert "layoffs" not in shown.files[0].description
    [shown] = await living.guild.slash(OWNER, "spend month", by="channel")
    assert "#layoffs $0.10" in shown.files[0].description
