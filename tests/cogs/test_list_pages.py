"""Receipts, hot takes and quotes in pages, whatever is in them."""

from __future__ import annotations

import re
from datetime import date

import discord

from living_bot import Living
from wompcore.events import ChatMessage, MessageEdited
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.hot_takes import HotTakeRepository

HOSTILE = ("*_~|`>[x](https://x.example) @everyone <@123456789012345678> \u202e\u200b" * 70)[:4000]


def message(
    living: Living, number: int, text: str, name: str = "bob", guild: int | None = None
) -> ChatMessage:
    at = living.app.core.clock.now()
    author = living.guild.member("bob").id
    place = living.guild.channel_id()
    return ChatMessage(snowflake_at(at, number), place, author, name, text, guild or living.guild.id)


async def claim(living: Living, said: ChatMessage, **more: object) -> None:
    book = ClaimRepository(living.app.core.db)
    assert await book.begin_check(said)
    assert await book.store(said, text=said.text, kind="prediction", confidence="certain", **more)


async def quote(living: Living, said: ChatMessage) -> None:
    assert await living.app.core.quotes.save(said, living.guild.member("alice").id, by_reaction=False)


async def take(living: Living, said: ChatMessage) -> None:
    book = HotTakeRepository(living.app.core.db)
    at = living.app.core.clock.now()
    assert await book.make_by_hand(said, text=said.text, heat=0, reactions={"🔥": 2 + said.id % 100}, at=at)


def shown(living: Living) -> str:
    [embed] = living.last.embeds
    return embed.description or ""


ASKED = {"!receipts": claim, "!quotes": quote, "!hottakes community": take}


async def test_a_page_shows_ten_whatever_they_say_and_calls_nobody(living: Living) -> None:
    for turn, (command, put) in enumerate(ASKED.items()):
        for number in range(100 * turn, 100 * turn + 11):
            said = message(living, number, f"{number} {HOSTILE}", name=("**@everyone**" * 9)[:80])
            await put(living, said)
        await living.ask("alice", command)
        assert len(shown(living)) <= 4096
        assert len(set(re.findall(r"`#(\d+)`", shown(living)))) == 10
        assert "@everyone" not in shown(living)
        assert "<@" not in shown(living).replace("<@\u200b", "")
        await living.click("carol", "Next" if put is take else "Older")
        assert len(set(re.findall(r"`#(\d+)`", shown(living)))) == 1


async def test_pages_never_show_another_server(living: Living) -> None:
    for turn, (command, put) in enumerate(ASKED.items()):
        for number in range(25):
            guild = 77 if number % 2 else None
            said = message(living, 100 * turn + number, f"{put.__name__} of cheese {number:02}", guild=guild)
            await put(living, said)
        await living.ask("alice", command)
        seen = shown(living)
        await living.click("carol", "Next" if put is take else "Older")
        seen += shown(living)
        numbers = sorted(int(each) for each in re.findall(rf"{put.__name__} of cheese (\d\d)", seen))
        assert numbers == list(range(0, 25, 2))


async def test_a_leaderboard_goes_on_and_back_with_its_places(living: Living) -> None:
    for number in range(12):
        await take(living, message(living, number, f"cheese {number:02}"))
    await living.ask("alice", "!hottakes community")
    assert shown(living).startswith("1. ")
    await living.click("carol", "Next")
    assert re.findall(r"^(\d+)\. ", shown(living), re.MULTILINE) == ["11", "12"]
    await living.app.host.swap("hottakes")
    await living.app.core.db.execute("DELETE FROM hot_takes WHERE id > 3")
    await living.click("carol", "Back")
    assert re.findall(r"^(\d+)\. ", shown(living), re.MULTILINE) == ["1", "2", "3"]
    await living.app.core.db.execute("DELETE FROM hot_takes")
    await living.ask("alice", "!hottakes community")
    assert "no hot takes" in living.last.text


async def test_quotes_are_found_by_words_and_member(living: Living) -> None:
    for number, text in enumerate(["the wheels of cheese", "beer", "a cheesy wheel"]):
        await quote(living, message(living, number, text))
    await living.ask("alice", "!quotes wheel")
    assert "wheels of cheese" in shown(living)
    assert "cheesy wheel" in shown(living)
    assert "beer" not in shown(living)
    bob = living.guild.member("bob").id
    await living.ask("alice", f"!quotes <@{bob}> cheese wheel")
    assert "wheels of cheese" in shown(living)
    assert "no quotes with these words" in await living.ask("alice", "!quotes submarine")
    assert "no quotes of theirs" in await living.ask("alice", f"!quotes <@{living.guild.member('carol').id}>")
    assert "40 characters" in await living.ask("alice", "!quotes " + "cheese " * 10)


async def test_who_left_is_still_found_by_a_mention(living: Living) -> None:
    gone = 123_456_789_012_345_678
    for number, put in enumerate((claim, quote)):
        said = message(living, number, "cheese is for ever")
        said.author_id = gone
        await put(living, said)
    for command in ("!receipts", "!quotes"):
        await living.ask("alice", f"{command} <@{gone}> cheese")
        assert "cheese is for ever" in shown(living)
        assert (await living.ask("alice", f"{command} <@{gone}> beer")) != ""
        assert not living.last.embeds


async def test_buttons_below_quotes_find_what_is_left(living: Living) -> None:
    for number in range(12):
        await quote(living, message(living, number, f"cheese {number:02}"))
    await living.ask("alice", "!quotes")
    await living.app.host.swap("quotes")
    await living.app.core.db.execute("DELETE FROM quotes WHERE id < 3")
    await living.click("carol", "Older")
    assert "cheese 11" in shown(living)
    await living.app.core.db.execute("DELETE FROM quotes")
    await living.ask("alice", "!quotes")
    assert "no quotes here yet" in living.last.text


async def test_one_claim_shows_all_that_is_known(living: Living) -> None:
    before = await living.guild.say("carol", "what of *cheese*?")
    await living.app.core.messages.flush()
    said = message(living, 5, "cheese will be cheap")
    await claim(living, said, context_ids=[before], horizon="by march", due_on=date(2027, 3, 31))
    await living.ask("alice", "!receipts")
    assert "due by 31 March 2027" in shown(living)
    await living.ask("alice", "!receipts #1")
    assert "carol: what of \\*cheese\\*?" in shown(living)
    assert "certain prediction" in shown(living)
    assert "due by 31 March 2027" in shown(living)
    assert "Nobody has ruled" in shown(living)
    await living.ask("olivia", "!verify #1 mixed in part")
    await living.ask("alice", "!claims #1")
    assert "Ruled **mixed**" in shown(living)
    assert "in part" in shown(living)
    await ClaimRepository(living.app.core.db).edit(
        MessageEdited(said.id, "cheese will be free", said.author_id, living.app.core.clock.now())
    )
    await living.ask("alice", "!receipts #1")
    assert "First said: cheese will be cheap" in shown(living)
    assert "edited after that" in shown(living)
    await living.ask("carol", "!optout")
    await living.ask("alice", "!receipts #1")
    assert "carol" not in shown(living)
    assert "no claim #2 here" in await living.ask("alice", "!receipts #2")
    await claim(living, message(living, 6, "elsewhere", guild=77))
    assert "no claim #2 here" in await living.ask("alice", "!receipts #2")


async def test_what_was_said_around_in_a_closed_channel_stays_there(living: Living) -> None:
    living.guild.add_channel("attic", 4_194_304_000_000_999_999)
    before = await living.guild.say("carol", "the safe is behind the clock")
    said_id = await living.guild.say("bob", "cheese will be cheap")
    await living.app.core.messages.flush()
    said = message(living, 5, "cheese will be cheap")
    said.id = said_id
    await claim(living, said, context_ids=[before])
    await quote(living, said)
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    for everybody in (True, False):
        await channel.set_permissions(channel.guild.default_role, view_channel=everybody)
        for place, open_there in ((None, True), ("attic", everybody)):
            for command in ("!receipts #1", "!qotd"):
                await living.guild.say("alice", command, channel=place)
                [embed] = living.guild.answers(place)[-1].embeds
                assert "cheese will be cheap" in (embed.description or "")
                assert ("behind the clock" in (embed.description or "")) == open_there
