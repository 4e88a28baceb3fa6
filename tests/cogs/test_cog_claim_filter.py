"""What admins see of the claim filter, and what a server decides about its learning."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from living_bot import OWNER, Living
from wompcore.testing.model import ScriptedModel

CLAIM = "I guarantee that the new kernel will never crash on this laptop before 2031"


async def claim(living: Living, name: str, text: str = CLAIM) -> int:
    message_id = await living.guild.say(name, text)
    await living.app.core.claims.settled()
    return message_id


async def shown(living: Living, name: str = OWNER) -> str:
    await living.guild.say(name, "!claimfilter")
    answer = living.guild.answers()[-1]
    return "\n".join([answer.text, *(field.value or "" for embed in answer.embeds for field in embed.fields)])


async def lessons(living: Living) -> int:
    return int(await living.app.core.db.fetch_value("SELECT count(*) FROM claim_lessons"))


async def test_admins_see_what_the_filter_is_worth(living: Living) -> None:
    assert "No message that fired" in await shown(living)
    await claim(living, "bob")
    text = await shown(living)
    assert "**100%** (3% to 100%): 1 of 1 messages that fired were claims" in text
    assert "Too little was checked to tell" in text
    assert "as shipped" in text


async def test_nobody_else_does(living: Living) -> None:
    assert "bot admin" in await shown(living, "alice")
    assert "bot admin" in await living.ask("alice", "!claimfilter reset")


async def test_a_server_can_stop_learning(living: Living) -> None:
    await living.ask(OWNER, "!settings set claims_learn off")
    await claim(living, "bob")
    assert await lessons(living) == 0
    assert "does not learn" in await shown(living)


async def test_what_was_learned_can_be_reset(living: Living) -> None:
    await claim(living, "bob")
    assert await lessons(living) == 1
    assert "1 lessons are forgotten" in await living.ask(OWNER, "!claimfilter reset")
    assert await lessons(living) == 0


async def test_a_deleted_message_teaches_nothing(living: Living) -> None:
    message_id = await claim(living, "bob")
    await living.guild.delete(message_id)
    await living.app.core.claims.settled()
    assert await lessons(living) == 0


async def test_opted_out_people_teach_nothing(living: Living) -> None:
    await claim(living, "bob")
    await living.ask("bob", "!optout")
    assert await lessons(living) == 0
    await claim(living, "bob", "I promise that taxes will never go up by 2030 in this country")
    assert await lessons(living) == 0


async def test_slash_shows_the_filter_to_the_asker_only(living: Living) -> None:
    [answer] = await living.guild.slash(OWNER, "claimfilter show")
    assert "No message that fired" in (answer.embeds[0].fields[1].value or "")


async def test_a_server_chooses_its_threshold(living: Living) -> None:
    assert "**0.9** now" in await living.ask(OWNER, "!claimfilter threshold 0.9")
    await claim(living, "bob", "prices always rise in that country")
    assert living.app.core.claims.counts.fires == 0
    assert "`claims_threshold`: **0.9**" in await living.ask(OWNER, "!settings")
    assert "**thorough** now" in await living.ask(OWNER, "!claimfilter threshold Thorough")
    for word in ("nan", "0", "1e9", "-inf", "closer"):
        assert "is no threshold" in await living.ask(OWNER, f"!claimfilter threshold {word}")
    assert "claimfilter threshold" in await living.ask(OWNER, "!settings set claims_threshold on")


async def test_a_prediction_is_due_by_the_servers_own_calendar(living: Living, model: ScriptedModel) -> None:
    await living.ask(OWNER, "!settings zone Pacific/Kiritimati")
    await claim(living, "bob")
    [asked] = [each for each in model.asked if "kernel" in str(each["messages"][-1])]
    here = living.app.core.clock.now().astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert f"It was said on {here:%Y-%m-%d}" in str(asked["messages"][-1])
