"""Hot takes: lit by people, found among claims, ranked and ruled on."""

from __future__ import annotations

import asyncio
import json

import discord
import pytest

from living_bot import OWNER, Living
from wompcore.testing.model import ScriptedModel

TAKE = "Hot take: I guarantee that tabs will never be worse than spaces before 2040"
FIRE, UP = "\N{FIRE}", "\N{THUMBS UP SIGN}"


async def lit(
    living: Living, name: str = "bob", text: str = "cereal is a soup", by: tuple[str, ...] = ()
) -> int:
    """Have people set a message on fire; return its id."""
    message_id = await living.guild.say(name, text)
    for person in by or ("alice", "carol"):
        await living.guild.react(person, message_id, FIRE)
    await living.app.core.hot_takes.settled()
    return message_id


async def shown(living: Living, text: str, name: str = "alice") -> str:
    """Ask for something; return everything the answer shows."""
    await living.guild.say(name, text)
    answer = living.guild.answers()[-1]
    return "\n".join([answer.text, *(f"{embed.title}\n{embed.description}" for embed in answer.embeds)])


def marks(living: Living, message_id: int) -> list[str]:
    """Return the reactions of the bot."""
    message = living.guild._world.backend.get_message(living.guild.channel_id(), message_id)
    return [reaction.emoji for reaction in message.reactions if living.guild.bot_id in reaction.user_ids]


async def test_two_people_make_a_message_a_hot_take_and_see_that_it_is_one(living: Living) -> None:
    message_id = await lit(living)
    assert marks(living, message_id) == ["\N{WHITE HEAVY CHECK MARK}"]
    board = await shown(living, "!hottakes community")
    assert "`#1` **bob**" in board
    assert "cereal is a soup" in board
    assert "2 reactions" in board
    claim = await living.app.core.db.fetch_one("SELECT kind, confidence, text FROM claims")
    assert claim == ("opinion", "certain", "cereal is a soup")


@pytest.mark.parametrize("by", [("alice",), ("alice", "bob"), ("bob",)])
async def test_one_person_and_the_author_are_not_enough(living: Living, by: tuple[str, ...]) -> None:
    await lit(living, by=by)
    assert "no hot takes" in await shown(living, "!ht community")
    assert await living.app.core.db.fetch_value("SELECT count(*) FROM claims") == 0


async def test_three_of_whom_one_is_the_author_are_enough(living: Living) -> None:
    message_id = await lit(living, by=("bob", "alice", "carol"))
    assert message_id in living.app.core.hot_takes.tracked


async def test_fires_that_were_lit_unheard_count(living: Living) -> None:
    message_id = await lit(living, by=("alice",))
    living.app.bot.dispatch("ready")  # another session, as after a restart: alice's fire was not heard in it
    await living.guild.react("carol", message_id, FIRE)
    await living.app.core.hot_takes.settled()
    assert message_id in living.app.core.hot_takes.tracked


async def test_the_bots_own_messages_and_those_of_people_who_withdrew_are_left_alone(living: Living) -> None:
    await living.ask("alice", "wompbot, who are you?")
    for person in ("alice", "carol"):
        await living.guild.react(person, living.guild.answers()[-1].id, FIRE)
    await living.ask("bob", "!optout")
    await lit(living)
    assert await living.app.core.db.fetch_value("SELECT count(*) FROM hot_takes") == 0


async def test_a_fire_of_somebody_who_withdrew_does_not_count(living: Living) -> None:
    await living.ask("carol", "!optout")
    await lit(living)
    assert await living.app.core.db.fetch_value("SELECT count(*) FROM hot_takes") == 0


async def test_a_server_can_switch_hot_takes_off(living: Living) -> None:
    assert "off" in await living.ask(OWNER, "!settings set hot_takes off")
    await lit(living)
    assert "no hot takes" in await shown(living, "!hottakes")


async def test_a_claim_that_sounds_like_one_is_one_and_its_early_reactions_count(living: Living) -> None:
    message_id = await living.guild.say("bob", TAKE)
    await living.guild.react("alice", message_id, UP)
    await living.app.core.claims.settled()
    async with asyncio.timeout(10):
        while await reactions(living) != {UP: 1}:  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.05)
    await living.guild.react("carol", message_id, UP)
    assert await reactions(living) == {UP: 2}
    await living.guild.react("carol", message_id, UP, take_back=True)
    assert await reactions(living) == {UP: 1}


async def reactions(living: Living) -> dict[str, int] | None:
    """Return what is on record of the only hot take; ``None`` when there is none."""
    await living.app.core.hot_takes.settled()
    counted: dict[str, int] | None = await living.app.core.db.fetch_value("SELECT reactions FROM hot_takes")
    return counted


async def test_what_people_argue_about_is_rated_and_leads(living: Living, model: ScriptedModel) -> None:
    message_id = await lit(living)
    model.says(json.dumps({"score": 8.2, "reasoning": "breakfast"}))
    for person in ("dan", "erin", "frank"):
        await living.guild.react(person, message_id, UP)
    await living.app.core.hot_takes.settled()
    board = await shown(living, "!hottakes")
    assert "controversy 8.2 of 10" in board
    assert "community" in board
    [slash] = await living.guild.slash("alice", "hottakes", board="combined", days=7)
    assert "cereal" in (slash.embeds[0].description or "")


async def test_reactions_that_a_moderator_clears_are_gone(living: Living) -> None:
    message_id = await lit(living)
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    await channel.get_partial_message(message_id).clear_reactions()
    await living.guild.react("dan", message_id, UP)
    assert await reactions(living) == {UP: 1}


async def test_an_admin_says_what_became_of_it_and_is_named(living: Living) -> None:
    await lit(living)
    answer = await living.ask(OWNER, "!vindicate #1 won it *is* @everyone")
    assert "`#1` is **won**" in answer
    assert f"<@{living.guild.member(OWNER).id}>" in answer
    assert "@everyone" not in answer
    assert "cereal" in await shown(living, "!hottakes vindicated")
    own = await shown(living, "!myht", name="bob")
    assert "win rate: 100%" in own
    assert "`#1` cereal" in own


async def test_nobody_rules_without_the_right_or_on_their_own(living: Living) -> None:
    await lit(living, OWNER)
    assert "bot admin" in await living.ask("alice", "!vindicate 1 won")
    assert "of their own" in await living.ask(OWNER, "!vindicate 1 won")
    assert "no hot take #7 here" in await living.ask(OWNER, "!vindicate 7 lost")


@pytest.mark.parametrize(
    "text",
    ["!hottakes spicy", "!hottakes community 0", "!hottakes community 366", "!vindicate", "!vindicate x won"],
)
async def test_a_mistake_says_how_it_is_done(living: Living, text: str) -> None:
    assert f"!help {text[1:].split()[0]}" in await living.ask(OWNER, text)


async def test_who_has_none_is_told_so(living: Living) -> None:
    assert "no hot takes here yet" in await living.ask("alice", "!myht")


async def test_a_hostile_take_can_neither_ping_nor_format(living: Living) -> None:
    await lit(living, text="**@everyone** <@&1> `x`\n# big")
    board = await shown(living, "!hottakes community")
    assert "@everyone" not in board
    assert "\\*\\*" in board
    assert "\n# big" not in board


async def test_a_hot_take_goes_with_its_message_and_follows_its_edits(living: Living) -> None:
    message_id = await lit(living)
    await living.guild.edit(message_id, "cereal is a salad")
    await living.app.core.claims.settled()
    assert "salad" in await shown(living, "!hottakes community")
    await living.guild.delete(message_id)
    await living.app.core.claims.settled()
    assert "no hot takes" in await shown(living, "!hottakes community")


async def test_hot_takes_survive_a_swap_of_their_plugin(living: Living) -> None:
    message_id = await lit(living)
    await living.app.host.swap("hottakes")
    await living.guild.react("dan", message_id, UP)
    assert await reactions(living) == {FIRE: 2, UP: 1}
