"""The owner's hand on the plugins."""

from __future__ import annotations

import pytest

from living_bot import OWNER, Living
from plugin_site import BUILT_IN, GREETER, PluginSite

CHANGES = [
    "load hello",
    "unload chat",
    "swap chat",
    "reload chat",
    "quarantine chat",
    "release chat",
    "grant spend costs",
    "withdraw spend costs",
]


@pytest.mark.parametrize("command", ["!plugins", "!cogs", "!Plugins"])
async def test_plugins_are_listed_with_how_they_do(living: Living, site: PluginSite, command: str) -> None:
    site.install("hello")
    lines = (await living.ask(OWNER, command)).splitlines()
    assert len(lines) == len(await living.app.host.look())
    assert any(line.startswith("🟢 **chat** 0.1.0 · live · since <t:") for line in lines)
    assert "⚪ **hello** 1 · off" in lines


async def test_a_plugin_comes_changes_and_goes(living: Living, site: PluginSite) -> None:
    site.install("hello")
    assert await living.ask(OWNER, "!plugins load hello") == "`hello` 1 is loaded."
    site.install("hello", words="GREETING = 'new'", version="2")
    assert "`hello` 2 runs" in await living.ask(OWNER, "!cogs swap hello")
    assert "`hello` 2 runs" in await living.ask(OWNER, "!plugins reload hello")
    assert await living.ask("alice", "!hello") == "new"
    assert "stays so" in await living.ask(OWNER, "!plugins unload hello")
    assert await living.ask("alice", "!hello") == ""


async def test_a_refusal_is_one_line_with_the_remedy(living: Living, site: PluginSite) -> None:
    site.install("hello", "def __broken__(:\n")
    answer = await living.ask(OWNER, "!plugins load hello")
    assert answer.startswith("🔴 `plugin hello: syntax error in ")
    assert "__init__.py, line 1" in answer
    assert "swap it again" in answer
    assert "\n" not in answer
    assert "syntax error" not in await living.ask(OWNER, "!plugins")  # everybody reads along
    [shown] = await living.guild.slash(OWNER, "plugins list")
    assert "syntax error" in shown.text
    answer = await living.ask(OWNER, "!plugins load nonsense`@everyone")
    assert "`!plugins list` shows" in answer
    assert "@everyone" not in answer


@pytest.mark.parametrize("change", CHANGES)
async def test_only_the_owner_changes_anything(living: Living, site: PluginSite, change: str) -> None:
    site.install("hello")
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('alice').id}>")
    assert "for a super admin" in await living.ask("alice", f"!plugins {change}")
    live = {state.id for state in living.app.host.states() if state.state == "live"}
    assert live == set(BUILT_IN)
    assert await living.app.core.db.fetch_value("SELECT count(*) FROM plugin_states") == 0


async def test_others_are_not_shown_what_may_name_files(living: Living, site: PluginSite) -> None:
    site.install("hello", "def broken(:\n")
    await living.ask(OWNER, "!plugins load hello")
    shown = await living.ask("alice", "!plugins")
    assert "🔴 **hello** 1 · failed" in shown
    assert "syntax error" not in shown


async def test_the_owner_gives_and_takes_what_only_they_can(living: Living, site: PluginSite) -> None:
    site.install("hello", GREETER.replace("context: Greeter()", "context: [context.costs, Greeter()][1]"),
                 needs=["costs"])  # fmt: skip
    refused = await living.ask(OWNER, "!plugins load hello")
    assert "consent to costs" in refused
    assert "!plugins grant hello costs" in refused
    assert "may use `costs`" in await living.ask(OWNER, "!plugins grant hello costs")
    assert "is loaded" in await living.ask(OWNER, "!plugins load hello")
    assert "may not use `costs`" in await living.ask(OWNER, "!plugins withdraw hello costs")
    assert "🔴" in await living.ask(OWNER, "!plugins swap hello")


async def test_slash_commands_and_their_choices(living: Living, site: PluginSite) -> None:
    site.install("hello")
    [loaded] = await living.guild.slash(OWNER, "plugins load", plugin="hello")
    assert "is loaded" in loaded.text
    [listed] = await living.guild.slash("alice", "plugins list")
    assert listed.ephemeral
    assert "🟢 **hello**" in listed.text
    [refused] = await living.guild.slash("alice", "plugins unload", plugin="hello")
    assert "for a super admin" in refused.text


async def test_a_swap_of_the_plugin_that_swaps_answers(living: Living) -> None:
    assert "`plugins` 0.1.0 runs" in await living.ask(OWNER, "!plugins swap plugins")
    assert "cannot unload itself" in await living.ask(OWNER, "!plugins unload plugins")


async def test_ids_are_offered_to_the_owner_while_typing(living: Living, site: PluginSite) -> None:
    site.install("hello")
    await living.guild.slash(OWNER, "plugins list")  # from here on Discord knows the commands
    channel = living.guild._channels[living.guild.main_channel]
    for name, offered in ((OWNER, ["hello"]), ("alice", [])):
        choices = await living.guild.member(name).autocomplete(channel, "plugins load", "plugin", "HEL")
        assert [choice["value"] for choice in choices] == offered
