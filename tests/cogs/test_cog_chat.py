"""The conversation, from an addressed message to its answer."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from living_bot import OWNER, Living, Opener
from wompbot_cogs.settings import BotSettings
from wompcore.llm.offline import Fault, OfflineServer, offline_server


@pytest.mark.parametrize(
    "text",
    [
        "wompbot, what did bob say?",
        "hey womp bot what did bob say",
        "!wb what did bob say",
        "WOMPBOT: what did bob say",
    ],
)
async def test_it_answers_its_name_in_any_case_and_the_shorthand(living: Living, text: str) -> None:
    await living.guild.say("bob", "the new kernel panics on my laptop")
    assert "kernel panics" in await living.ask("alice", text)


async def test_it_answers_its_mention(living: Living) -> None:
    await living.guild.say("bob", "the new kernel panics on my laptop")
    assert "kernel" in await living.ask("alice", f"<@{living.guild.bot_id}> what did bob say?")


@pytest.mark.parametrize(
    "text",
    ["@everyone what now?", "!wbanything goes", "wompbots are everywhere", "swompbot?", "just talking"],
)
async def test_it_stays_silent_when_nobody_speaks_to_it(living: Living, text: str) -> None:
    assert await living.ask("alice", text) == ""


async def test_an_address_alone_is_greeted_without_a_model(living: Living, model: OfflineServer) -> None:
    assert await living.ask("alice", "wompbot!")
    assert model.requests == 0


async def test_the_answer_takes_the_place_of_the_placeholder(living: Living) -> None:
    await living.ask("alice", "wompbot, who are you?")
    assert len(living.guild.answers()) == 1


async def test_a_plain_reply_is_at_most_three_round_trips(living: Living) -> None:
    core = living.app.core
    await living.ask("bob", "wompbot, who are you?")
    await core.jobs.stop()
    trips = []
    for name in ("alice", "carol", "dave"):
        await core.messages.flush()
        statements, batches = core.db.statements, core.messages.counts.batches
        assert "stand-in" in await living.ask(name, "wompbot, who are you?")
        batches = core.messages.counts.batches - batches
        trips.append(core.db.statements - statements - batches)
    assert min(trips) <= 3  # what the start set off, such as the sync, may fall into the first ones


async def test_the_answer_is_kept_in_its_final_form_as_one_message(living: Living) -> None:
    answer = await living.ask("alice", "wompbot, who are you?")
    await living.app.core.messages.flush()
    texts = await living.app.core.db.fetch_all("SELECT text FROM messages WHERE is_bot")
    assert texts == [(answer,)]


async def test_people_who_withdrew_are_in_nobodys_prompt(open_bot: Opener, bot_settings: BotSettings) -> None:
    async with offline_server(record=10) as recording:
        llm = bot_settings.llm.model_copy(update={"base_url": recording.base_url})
        living = await open_bot(bot_settings.model_copy(update={"llm": llm}))
        await living.guild.say("carol", "my secret is a pink unicorn")
        await living.app.core.consent.withdraw(living.guild.member("carol").id, method="command")
        await living.ask("alice", "wompbot, what did carol say?")
        bodies = [json.loads(request.body) for request in recording.recorded]
    assert len(bodies) == 1
    assert "unicorn" not in json.dumps(bodies)


async def test_somebody_who_withdrew_is_answered_all_the_same(living: Living) -> None:
    await living.app.core.consent.withdraw(living.guild.member("carol").id, method="command")
    assert await living.ask("carol", "wompbot, who are you?")
    await living.app.core.messages.flush()
    assert await living.app.core.db.fetch_value("SELECT count(*) FROM messages WHERE NOT is_bot") == 0


async def test_answers_to_somebody_who_withdrew_are_not_kept(living: Living) -> None:
    await living.guild.say("carol", "my secret is a pink unicorn")
    await living.ask("carol", "wompbot, what did carol say?")
    await living.app.core.consent.withdraw(living.guild.member("carol").id, method="command")
    await living.ask("carol", "wompbot, what is a unicorn?")
    await living.app.core.messages.flush()
    texts = await living.app.core.db.fetch_all("SELECT text FROM messages WHERE text <> ''")
    assert texts == []


async def test_an_answer_never_pings(living: Living) -> None:
    await living.guild.say("bob", "listen up @everyone <@&123> the kernel panics")
    answer = await living.ask("alice", "wompbot, what did bob say?")
    assert "@everyone" not in answer
    assert "<@&" not in answer


async def test_a_message_is_answered_once_though_it_arrives_twice(
    living: Living, model: OfflineServer
) -> None:
    await living.ask("alice", "wompbot, who are you?")
    message = next(said for said in living.guild.said() if not said.is_own)
    replayed = living.app.bot.get_channel(living.guild.channel_id())
    source = await replayed.fetch_message(message.id)  # type: ignore[union-attr]
    living.app.bot.dispatch("message", source)
    await asyncio.sleep(0.2)
    assert model.requests == 1
    assert len(living.guild.answers()) == 1


async def test_every_call_is_in_the_ledger_with_its_plugin(living: Living) -> None:
    await living.ask("alice", "wompbot, who are you?")
    rows = await living.app.core.db.fetch_all(
        "SELECT purpose, plugin, person_id, guild_id, outcome FROM cost_entries"
    )
    assert rows == [("chat", "chat", living.guild.member("alice").id, living.guild.id, "ok")]


async def test_a_model_that_is_down_is_said_kindly(open_bot: Opener, bot_settings: BotSettings) -> None:
    async with offline_server(faults=[Fault(status=401)]) as broken:
        llm = bot_settings.llm.model_copy(update={"base_url": broken.base_url})
        living = await open_bot(bot_settings.model_copy(update={"llm": llm}))
        answer = await living.ask("alice", "wompbot, who are you?")
    said, reference = answer.split("reference")
    assert "not available" in said
    assert re.search(r"[0-9a-f]{8}", reference)
    assert "401" not in said  # the reference is random hexadecimal and may hold these digits


async def test_of_a_long_request_so_much_is_read_as_the_settings_say(
    open_bot: Opener, bot_settings: BotSettings
) -> None:
    limits = bot_settings.limits.model_copy(update={"max_input_chars": 100})
    async with offline_server(record=1) as server:
        llm = bot_settings.llm.model_copy(update={"base_url": server.base_url})
        living = await open_bot(bot_settings.model_copy(update={"limits": limits, "llm": llm}))
        answer = await living.ask("alice", f"wompbot, {'la ' * 40}END")
        assert b"END" not in server.recorded[0].body
        assert server.recorded[0].body.count(b"la ") > 20
    assert "100" in answer.splitlines()[-1]


async def test_asking_again_at_once_is_slowed_down(open_bot: Opener, bot_settings: BotSettings) -> None:
    limits = bot_settings.limits.model_copy(update={"person_cooldown_s": 60.0})
    living = await open_bot(bot_settings.model_copy(update={"limits": limits}))
    await living.ask("alice", "wompbot, who are you?")
    assert "ask again in" in await living.ask("alice", "wompbot, and now?")
    assert "ask again in" not in await living.ask(OWNER, "wompbot, who are you?")
    assert "ask again in" not in await living.ask(OWNER, "wompbot, and again?")


async def test_three_at_once_per_channel_and_the_others_wait(
    open_bot: Opener, bot_settings: BotSettings
) -> None:
    async with offline_server(faults=[Fault(delay_s=0.3)] * 8) as slow:
        llm = bot_settings.llm.model_copy(update={"base_url": slow.base_url})
        living = await open_bot(bot_settings.model_copy(update={"llm": llm}))
        slots, most = living.app.core.limits.channel, 0
        asking = [
            asyncio.create_task(living.guild.say(f"person{number}", "wompbot, who are you?"))
            for number in range(8)
        ]
        while not all(task.done() for task in asking):
            most = max(most, slots.taken(living.guild.channel_id()))
            await asyncio.sleep(0.01)
        assert most == 3
        assert len(living.guild.answers()) == 8
