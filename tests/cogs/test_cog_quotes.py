"""Quotes: saved by a reaction or from the menu, shown, and gone when nobody may or wants to keep them."""

from __future__ import annotations

import discord
import pytest

from living_bot import OWNER, Living

CLOUD, CLOUD_EMOJI = "\N{CLOUD}", "\N{CLOUD}\N{VARIATION SELECTOR-16}"
MENU = "Quote this"


async def quoted(
    living: Living, text: str = "I never said that", by: str = "alice", name: str = "bob"
) -> int:
    """Say something that somebody keeps; return the message's id."""
    message_id = await living.guild.say(name, text)
    await living.guild.react(by, message_id, CLOUD_EMOJI)
    return message_id


async def shown(living: Living, text: str) -> str:
    """Ask for something; return everything the answer shows."""
    await living.guild.say("alice", text)
    answer = living.guild.answers()[-1]
    return "\n".join([answer.text, *(f"{embed.title}\n{embed.description}" for embed in answer.embeds)])


async def count(living: Living) -> int:
    quotes: int = await living.app.core.db.fetch_value("SELECT count(*) FROM quotes")
    return quotes


@pytest.mark.parametrize("emoji", [CLOUD, CLOUD_EMOJI, "cloud:123456789012345678"])
async def test_a_cloud_keeps_a_message(living: Living, emoji: str) -> None:
    message_id = await living.guild.say("bob", "I never said that")
    await living.guild.react("alice", message_id, emoji)
    listed = await shown(living, "!quotes")
    assert "`#1` **bob**" in listed
    assert "I never said that" in listed
    message = living.guild._world.backend.get_message(living.guild.channel_id(), message_id)
    own = [reaction.emoji for reaction in message.reactions if living.guild.bot_id in reaction.user_ids]
    assert own == ["\N{WHITE HEAVY CHECK MARK}"]


async def test_people_count_once_and_lower_it_when_they_take_it_back(living: Living) -> None:
    message_id = await quoted(living)
    await living.guild.react("alice", message_id, CLOUD)
    await living.guild.react("carol", message_id, CLOUD)
    assert "☁️ 2" in await shown(living, "!quotes")
    await living.guild.react("carol", message_id, CLOUD, take_back=True)
    assert "☁️ 1" in await shown(living, "!quotes")
    await living.guild.react("alice", message_id, CLOUD, take_back=True)
    assert "no quotes here yet" in await shown(living, "!quotes")


async def test_a_message_is_kept_from_its_menu_and_only_who_asked_is_told(living: Living) -> None:
    message_id = await living.guild.say("bob", "I never said that")
    [first] = await living.guild.menu("alice", MENU, message_id)
    [second] = await living.guild.menu("carol", MENU, message_id)
    assert (first.text, first.ephemeral) == ("Saved as a quote.", True)
    assert "already" in second.text
    assert "☁️ 2" in await shown(living, "!quotes")


async def test_the_menu_says_why_not(living: Living) -> None:
    message_id = await living.guild.say("bob", "I never said that")
    await living.ask("bob", "!optout")
    bots_own = living.guild.answers()[-1].id
    [refused] = await living.guild.menu("alice", MENU, message_id)
    assert "opted out" in refused.text
    [bots] = await living.guild.menu("alice", MENU, bots_own)
    assert "no bots" in bots.text
    await living.ask(OWNER, "!settings set quotes off")
    [off] = await living.guild.menu("alice", MENU, message_id)
    assert "switched off" in off.text
    assert all(answer.ephemeral for answer in (refused, bots, off))


async def test_what_may_not_be_kept_is_not_kept_by_a_cloud_either(living: Living) -> None:
    await living.ask("bob", "!optout")
    await living.ask("carol", "!optout")
    await quoted(living)
    await quoted(living, by="carol", name="dan")
    await living.guild.react("alice", living.guild.answers()[-1].id, CLOUD)
    await living.ask(OWNER, "!settings set quotes off")
    await quoted(living, name="dan")
    assert await count(living) == 0


async def test_an_opt_out_takes_quotes_along(living: Living) -> None:
    await quoted(living)
    await living.ask("bob", "!optout")
    assert await count(living) == 0


async def test_the_quote_of_the_day_shows_who_and_what_was_said_around(living: Living) -> None:
    await living.guild.say("carol", "did you *say* @everyone that?")
    message_id = await quoted(living)
    await living.guild.react("carol", message_id, CLOUD)
    await living.guild.say("carol", "you did")
    await living.app.core.messages.flush()
    chosen = await shown(living, "!qotd")
    assert "Quote of the day" in chosen
    assert "-# carol: did you \\*say\\* @\u200beveryone that?" in chosen
    assert "**bob:** I never said that" in chosen
    assert "-# carol: you did" in chosen
    assert f" by <@{living.guild.member('alice').id}> and 1 more" in chosen
    embed = living.guild.answers()[-1].embeds[0]
    assert embed.footer.text == "#1"
    assert str(message_id) in (embed.url or "")


async def test_each_mode_answers_also_when_there_is_nothing(living: Living) -> None:
    modes = ("daily", "weekly", "monthly", "alltime", "random")
    assert [
        "quoted" in text or "no quotes" in text for text in [await shown(living, f"!qotd {m}") for m in modes]
    ]
    await quoted(living)
    for mode in modes:
        assert "I never said that" in await shown(living, f"!qotd {mode}")
    [slash] = await living.guild.slash("alice", "qotd", mode="random")
    assert "I never said that" in (slash.embeds[0].description or "")
    assert "!help qotd" in await living.ask("alice", "!qotd hourly")


async def test_quotes_can_be_those_of_a_member(living: Living) -> None:
    await quoted(living)
    await quoted(living, "Nor did I", name="carol")
    listed = await shown(living, f"!quotes <@{living.guild.member('carol').id}>")
    assert "Nor did I" in listed
    assert "I never said that" not in listed
    assert "of theirs" in await shown(living, f"!quotes <@{living.guild.member('dan').id}>")


async def test_a_quote_follows_edits_and_goes_with_its_message(living: Living) -> None:
    message_id = await quoted(living)
    await living.guild.edit(message_id, "I may have said that")
    await living.app.core.quotes.settled()
    assert "I may have said that" in await shown(living, "!quotes")
    await living.guild.delete(message_id)
    await living.app.core.quotes.settled()
    assert await count(living) == 0


async def test_clouds_that_a_moderator_clears_take_the_quote_along(living: Living) -> None:
    message_id = await quoted(living)
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    with living.guild.feeding() as work:
        await channel.get_partial_message(message_id).clear_reactions()
    assert await work.ended(10)
    assert await count(living) == 0


async def test_a_day_begins_at_midnight_where_the_server_is(living: Living) -> None:
    assert "Pacific/Kiritimati" in await living.ask(OWNER, "!settings zone Pacific/Kiritimati")
    assert str(living.app.guilds.zone(living.guild.id)) == "Pacific/Kiritimati"
    for wrong in ("Mars/Olympus", "../../etc/passwd", "x" * 500):
        assert "no time zone of that name" in await living.ask(OWNER, f"!settings zone {wrong}")
    assert "`settings zone`" in await living.ask(OWNER, "!settings set time_zone on")
    assert "**Pacific/Kiritimati**" in await living.ask(OWNER, "!settings")
