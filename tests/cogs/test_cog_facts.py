"""Fact checks: asked for by a reaction or a menu, judged by independent sources, limited, kept for a day."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import discord
import pytest

from living_bot import OWNER, Living, Opener
from wompbot_cogs.authoring.leaks import find_leaks
from wompbot_cogs.settings import BotSettings
from wompcore.config import SearchSettings
from wompcore.search import SearchResult
from wompcore.search.offline import OfflineSearch, offline_search
from wompcore.testing.model import ScriptedModel

CLAIM = "the great wall of china is visible from the moon"
SIGN = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"
PAGES = (  # found in this order
    SearchResult(
        "Great wall",
        "https://www.nasa.example.org/wall",
        "The great wall of china is not visible from the moon.",
    ),
    SearchResult("Myths", "https://news.other.co.uk/moon", "From the moon the wall of china cannot be seen."),
    SearchResult("Wall again", "https://blog.example.org/wall", "The great wall."),
)


@pytest.fixture
async def engine() -> AsyncIterator[OfflineSearch]:
    async with offline_search(PAGES) as server:
        yield server


@pytest.fixture
async def checking(open_bot: Opener, bot_settings: BotSettings, engine: OfflineSearch) -> Living:
    """A bot with a search service, whose people are known."""
    search = SearchSettings(provider="searxng", base_url=engine.base_url)
    return await open_bot(bot_settings.model_copy(update={"search": search}))


def judges(model: ScriptedModel, verdict: str, *sources: int, analysis: str = "The results say so.") -> None:
    model.says(json.dumps({"verdict": verdict, "analysis": analysis, "sources": sources}))


async def check(living: Living, name: str = "alice", text: str = CLAIM, emoji: str = SIGN) -> int:
    """Have bob say something and somebody doubt it; return the message's id."""
    message_id = await living.guild.say("bob", text)
    await living.guild.react(name, message_id, emoji)
    return message_id


def title(living: Living) -> str:
    return living.last.embeds[0].title or "" if living.last.embeds else ""


async def emojis(living: Living, message_id: int) -> set[str]:
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    return {str(reaction.emoji) for reaction in (await channel.fetch_message(message_id)).reactions}


async def kept(living: Living) -> int:
    return int(await living.app.core.db.fetch_value("SELECT count(*) FROM plugin_facts.checks"))


async def uses(living: Living, name: str) -> int:
    query = "SELECT cardinality(used_at) FROM plugin_facts.requesters WHERE person_id = %s"
    return int(await living.app.core.db.fetch_value(query, [living.guild.member(name).id]) or 0)


async def test_two_independent_sources_make_a_verdict(checking: Living, model: ScriptedModel) -> None:
    judges(model, "false", 1, 2)
    message_id = await check(checking)
    answer = checking.last
    assert answer.reply_to_id == message_id
    assert title(checking) == "❌ False"
    shown = answer.embeds[0].description or ""
    assert "https://www.nasa.example.org/wall" in shown
    assert "other.co.uk" in shown
    assert "❌" in await emojis(checking, message_id)
    request = model.asked[-1]["messages"][-1]["content"]
    assert 'label="search results"' in request
    assert 'label="what somebody said"' in request
    rows = await checking.app.core.db.fetch_all(
        "SELECT purpose, plugin, person_id FROM cost_entries ORDER BY id"
    )
    alice = checking.guild.member("alice").id
    assert rows == [("search", "facts", alice), ("fact_check", "facts", alice)]


@pytest.mark.parametrize("sources", [(1, 3), (1,), (), (1, 9, -1, 0)])
async def test_fewer_than_two_domains_are_no_verdict_whatever_the_model_says(
    checking: Living, model: ScriptedModel, sources: tuple[int, ...]
) -> None:
    judges(model, "true", *sources, analysis="It is certainly true.")
    message_id = await check(checking)
    assert title(checking).startswith("❓")
    assert "certainly" not in (checking.last.embeds[0].description or "")
    assert "❓" in await emojis(checking, message_id)


async def test_the_menu_checks_as_well(checking: Living, model: ScriptedModel) -> None:
    judges(model, "misleading", 1, 2)
    message_id = await checking.guild.say("bob", CLAIM)
    [told] = await checking.guild.menu("alice", "Check the facts", message_id)
    assert told.ephemeral
    assert "below the message" in told.text
    assert any(answer.reply_to_id == message_id for answer in checking.guild.answers())


async def test_a_second_check_shows_what_was_kept_and_is_free(checking: Living, model: ScriptedModel) -> None:
    judges(model, "false", 1, 2)
    message_id = await check(checking)
    await checking.app.host.swap("facts")  # what was shown a moment ago is not shown at once
    asked = model.requests
    await checking.guild.react("carol", message_id, SIGN)
    assert model.requests == asked
    assert title(checking) == "❌ False"
    assert (await uses(checking, "alice"), await uses(checking, "carol")) == (1, 0)
    answers = len(checking.guild.answers())
    await checking.guild.react("dave", message_id, SIGN)
    assert "a moment ago" in checking.last.text
    await checking.guild.react("erin", message_id, SIGN)
    assert len(checking.guild.answers()) == answers + 1


async def test_a_message_that_was_edited_is_checked_anew(checking: Living, model: ScriptedModel) -> None:
    judges(model, "false", 1, 2)
    message_id = await check(checking)
    await checking.guild.edit(message_id, f"{CLAIM} and from mars")
    judges(model, "mixed", 1, 2)
    await checking.guild.react("carol", message_id, SIGN)
    assert title(checking).startswith("🔀")


async def test_a_person_waits_between_checks(checking: Living, model: ScriptedModel) -> None:
    judges(model, "false", 1, 2)
    await check(checking)
    asked = model.requests
    await check(checking, text=f"{CLAIM} too")
    assert model.requests == asked
    assert "please wait another" in checking.last.text
    assert await uses(checking, "alice") == 1


async def test_what_failed_does_not_count(
    checking: Living, model: ScriptedModel, engine: OfflineSearch
) -> None:
    await check(checking, text="xyzzy plugh frotz")
    assert "found nothing" in checking.last.text
    assert await uses(checking, "alice") == 0
    for _ in range(2):
        model.says("no JSON at all")
    await check(checking, "carol")
    assert "could not come to a judgement" in checking.last.text
    assert await uses(checking, "carol") == 0
    judges(model, "false", 1, 2)
    await check(checking, "carol", text=f"{CLAIM}!")
    assert title(checking) == "❌ False"


async def test_too_little_text_is_not_checked(checking: Living, model: ScriptedModel) -> None:
    await check(checking, text="lol   ")
    assert "too little text" in checking.last.text
    assert model.requests == 0


async def test_who_withdrew_is_checked_for_nobody_else_and_never_kept(
    checking: Living, model: ScriptedModel
) -> None:
    await checking.ask("bob", "!optout")
    asked = model.requests
    message_id = await check(checking)
    assert model.requests == asked
    assert "does not want" in checking.last.text
    judges(model, "false", 1, 2)
    await checking.guild.menu("bob", "Check the facts", message_id)
    assert any(answer.embeds for answer in checking.guild.answers())
    assert await kept(checking) == 0


async def test_an_excluded_channel_is_not_checked(checking: Living, model: ScriptedModel) -> None:
    await checking.ask(OWNER, f"!settings add excluded_channels <#{checking.guild.channel_id()}>")
    message_id = await check(checking)
    [told] = await checking.guild.menu("alice", "Check the facts", message_id)
    assert "not analysed" in told.text
    assert model.requests == 0


async def test_what_was_kept_goes_with_its_message(checking: Living, model: ScriptedModel) -> None:
    judges(model, "false", 1, 2)
    message_id = await check(checking)
    assert await kept(checking) == 1
    await checking.guild.delete(message_id)
    await checking.guild.say("carol", "hello")
    assert await kept(checking) == 0


async def test_what_was_kept_goes_when_its_author_opts_out_whether_or_not_the_plugin_is_there(
    checking: Living, model: ScriptedModel
) -> None:
    judges(model, "false", 1, 2)
    await check(checking)
    await checking.app.host.unload("facts")
    await checking.ask("bob", "!optout")
    assert await kept(checking) == 0


async def test_people_who_ask_at_once_are_answered_once(
    checking: Living, model: ScriptedModel, engine: OfflineSearch
) -> None:
    judges(model, "false", 1, 2)
    message_id = await checking.guild.say("bob", CLAIM)
    await asyncio.gather(
        *(checking.guild.react(name, message_id, SIGN) for name in ("alice", "carol", OWNER))
    )
    assert (engine.requests, model.requests) == (1, 1)


async def test_an_export_and_an_erasure_reach_what_was_kept(checking: Living, model: ScriptedModel) -> None:
    judges(model, "false", 1, 2)
    await check(checking)
    bob, privacy = checking.guild.member("bob").id, checking.app.core.privacy
    exported = "".join([line async for line in privacy.export(bob, by_id=bob)])
    assert "plugin_facts.checks" in exported
    await privacy.erase(bob, by_id=bob)
    assert await kept(checking) == 0


async def test_what_pages_and_the_model_say_can_neither_ping_nor_lead_astray(
    checking: Living, model: ScriptedModel
) -> None:
    evil = "@everyone [click](https://evil.example) **look** https://evil.example/?q=secret"
    judges(model, "false", 1, 2, analysis=evil)
    await check(checking, text=f"{CLAIM} @everyone **bold**")
    shown = checking.last.embeds[0].description or ""
    assert "evil.example" not in shown
    assert "@everyone" not in shown
    assert "\\*\\*look" in shown


async def test_without_a_search_service_a_sign_asks_nothing(living: Living) -> None:
    before = len(living.guild.answers())
    message_id = await check(living)
    assert len(living.guild.answers()) == before
    [told] = await living.guild.menu("alice", "Check the facts", message_id)
    assert "no search service" in told.text


async def test_other_reactions_and_those_taken_back_ask_nothing(
    checking: Living, model: ScriptedModel, engine: OfflineSearch
) -> None:
    message_id = await check(checking, emoji="\N{FIRE}")
    await checking.guild.react("alice", message_id, "\N{FIRE}", take_back=True)
    assert engine.requests == 0


async def test_a_plugin_that_leaves_takes_everything_along(checking: Living, model: ScriptedModel) -> None:
    judges(model, "false", 1, 2)
    await check(checking)
    assert await find_leaks(checking.app, "facts") == []
