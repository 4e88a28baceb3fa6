"""The plugin in a running bot, on a real database."""

from __future__ import annotations

import json

from wompbot_cogs.testing import LivingBot


async def test_everyone_adds_to_a_tally(bot: LivingBot) -> None:
    assert await bot.ask("alice", "!tally coffees") == "**coffees**: 0"
    assert await bot.click("alice", "+1") == "**coffees**: 1"
    assert await bot.click("bob", "+1") == "**coffees**: 2"


async def test_the_button_survives_a_swap_and_a_restart_of_the_plugin(bot: LivingBot) -> None:
    await bot.ask("alice", "!tally coffees")
    await bot.click("alice", "+1")
    await bot.swap()
    assert await bot.click("alice", "+1") == "**coffees**: 2"
    await bot.unload()
    await bot.load("tally")
    assert await bot.click("alice", "+1") == "**coffees**: 3"


async def test_an_export_holds_what_a_person_made_and_counted(bot: LivingBot) -> None:
    await bot.ask("alice", "!tally coffees")
    await bot.click("alice", "+1")
    alice = bot.guild.member("alice").id
    lines = [json.loads(line) async for line in bot.app.core.privacy.export(alice, by_id=alice)]
    rows = {line["holds"]: line["row"] for line in lines if line.get("owner") == "tally"}
    assert rows["tallies you made"]["name"] == "coffees"
    assert rows["what you counted"]["count"] == 1


async def test_an_erasure_reaches_the_plugin_while_it_is_unloaded(bot: LivingBot) -> None:
    await bot.ask("alice", "!tally coffees")
    await bot.click("alice", "+1")
    await bot.click("bob", "+1")
    await bot.unload()
    alice = bot.guild.member("alice").id
    await bot.app.core.privacy.erase(alice, by_id=alice)
    await bot.load("tally")
    assert await bot.click("bob", "+1") == "**coffees**: 2"  # bob's two; alice's one is gone


async def test_nothing_is_left_behind(bot: LivingBot) -> None:
    await bot.assert_no_leaks()
