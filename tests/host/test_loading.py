"""Plugins come and go; a bad one never stops the rest."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from living_bot import OWNER, Living, Opener
from plugin_site import BUILT_IN, GREETER, PluginSite
from wompbot_cogs import PluginState
from wompbot_cogs.app import App, open_app
from wompbot_cogs.errors import NotGranted, PluginBroken, PluginError, PluginUnknown
from wompbot_cogs.host import discover
from wompbot_cogs.settings import BotSettings

TELLER = """
from discord.ext import commands
from wompbot_cogs import Plugin

class Teller(commands.Cog):
    def __init__(self, context):
        self.capability = context.{capability}

plugin = Plugin(Teller)
"""


def state(living: Living, plugin: str) -> PluginState:
    return next(state for state in living.app.host.states() if state.id == plugin)


def live(app: App) -> set[str]:
    return {state.id for state in app.host.states() if state.state == "live"}


async def test_every_built_in_cog_is_live(living: Living) -> None:
    states = living.app.host.states()
    assert [state.id for state in states] == BUILT_IN
    assert {state.state for state in states} == {"live"}
    assert {state.problem for state in states} == {""}


async def test_a_plugin_is_loaded_and_unloaded(living: Living, site: PluginSite) -> None:
    site.install("hello")
    assert [found.state for found in await living.app.host.look() if found.id == "hello"] == ["off"]
    await living.app.host.load("hello")
    assert state(living, "hello").state == "live"
    assert await living.ask("alice", "!hello") == "hello from hello"
    await living.app.host.unload("hello")
    assert state(living, "hello").state in ("draining", "off")
    assert await living.ask("alice", "!hello") == ""
    assert [name for name in sys.modules if name.startswith("hello_plugin")] == []


async def test_a_plugin_installed_while_the_bot_runs_is_found(living: Living, site: PluginSite) -> None:
    before = site.folder.stat()
    assert "hello" not in discover()
    site.install("hello")
    os.utime(site.folder, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if within one tick of the clock
    assert (await living.app.host.load("hello")).state == "live"


async def test_slash_commands_come_and_go_with_their_plugin(living: Living, site: PluginSite) -> None:
    site.install("hello")
    await living.app.host.load("hello")
    [answer] = await living.guild.slash("alice", "hello")
    assert answer.text == "hello from hello"
    await living.app.host.unload("hello")
    assert living.app.bot.tree.get_command("hello") is None


# -- bad plugins -----------------------------------------------------------------------------------


def install_bad_ones(site: PluginSite) -> dict[str, str]:
    """Install every kind of bad plugin; return what each problem says."""
    site.install("raising", "raise ValueError('no luck')")
    site.install("leaving", "import sys; sys.exit(3)")
    site.install("cancelling", "import asyncio\nraise asyncio.CancelledError")
    site.install("garbled", "def broken(:\n    pass")
    site.install("empty", "")
    site.install("wrong", "plugin = 7")
    site.install("module", entry="module_plugin.words:plugin")
    site.install("nowhere", entry="no_such_package:plugin")
    (site.install("bare") / "wompbot.toml").unlink()
    (site.install("crooked") / "wompbot.toml").write_text("[plugin\n")
    (site.install("binary") / "wompbot.toml").write_bytes(b"\xff\xfe")
    site.manifest(site.install("future"), "future", api=99)
    site.install("greedy", needs=["everything"])
    site.manifest(site.install("masked"), "someone_else")
    site.install("twin", package="twin_one")
    site.install("twin", package="twin_two")
    return {
        "raising": "ValueError: no luck",
        "leaving": "SystemExit: 3",
        "cancelling": "CancelledError: ",
        "garbled": "syntax error in ",
        "empty": "empty_plugin:plugin is not a Plugin",
        "wrong": "wrong_plugin:plugin is not a Plugin",
        "module": "no words.wompbot.toml beside it",
        "nowhere": "no_such_package is not installed",
        "bare": "no wompbot.toml in its package",
        "crooked": "wompbot.toml: ",
        "binary": "wompbot.toml: ",
        "future": "needs interface level 99",
        "greedy": "wompbot.toml: plugin.needs.0: ",
        "masked": "that of 'someone_else'",
        "twin": "both twin_one and twin_two claim this id",
    }


async def test_bad_plugins_are_listed_with_their_reason_and_the_rest_run(
    open_bot: Opener, bot_settings: BotSettings, site: PluginSite
) -> None:
    problems = install_bad_ones(site)
    site.install("hello")
    living = await open_bot(bot_settings)
    states = {state.id: state for state in living.app.host.states()}
    assert {plugin for plugin, it in states.items() if it.state == "live"} == {*BUILT_IN, "hello"}
    for plugin, problem in problems.items():
        assert states[plugin].state == "failed"
        assert problem in states[plugin].problem
        assert "\n" not in states[plugin].problem
    assert await living.ask("alice", "!hello") == "hello from hello"


async def test_a_plugin_that_failed_leaves_nothing_and_loads_once_mended(
    living: Living, site: PluginSite
) -> None:
    site.install("hello", GREETER + "raise ValueError('half way')")
    with pytest.raises(PluginBroken, match="half way"):
        await living.app.host.load("hello")
    assert [name for name in sys.modules if name.startswith("hello_plugin")] == []
    site.install("hello", words="GREETING = 'mended'")
    await living.app.host.load("hello")
    assert await living.ask("alice", "!hello") == "mended"
    assert state(living, "hello").problem == ""


async def test_a_wanted_plugin_that_is_not_installed_is_listed(
    open_bot: Opener, bot_settings: BotSettings
) -> None:
    host = bot_settings.bot.model_copy(update={"plugins": ("plugins", "absent")})
    living = await open_bot(bot_settings.model_copy(update={"bot": host}))
    assert state(living, "plugins").state == "live"
    assert state(living, "chat").state == "off"
    assert state(living, "absent").state == "failed"
    assert state(living, "absent").problem == "not installed"


async def test_an_unknown_plugin_is_an_error_that_leaves_no_trace(living: Living) -> None:
    for change in (living.app.host.load, living.app.host.swap, living.app.host.unload):
        with pytest.raises(PluginUnknown):
            await change("nonsense")
    assert [state.id for state in living.app.host.states()] == BUILT_IN


async def test_a_built_in_keeps_its_id_against_an_impostor(living: Living, site: PluginSite) -> None:
    site.install("spend", package="impostor")
    await living.app.host.swap("spend")
    assert state(living, "spend").state == "live"
    assert "impostor" in state(living, "spend").problem
    assert "$0.00" in await living.ask("alice", "!spend")


@pytest.mark.parametrize(
    ("declared", "taken"),
    [
        ('@commands.command(name="spend")', "command spend is that of plugin spend"),
        ('@commands.command(name="mine", aliases=["SPEND"])', "command spend is that of plugin spend"),
        ('@commands.command(name="help")', "command help is that of the bot itself"),
        (
            '@discord.app_commands.command(name="wompbot_optout")',
            "chat_input command wompbot_optout is that of plugin privacy",
        ),
    ],
)
async def test_a_taken_command_name_is_refused_and_nothing_stays(
    living: Living, site: PluginSite, declared: str, taken: str
) -> None:
    code = f"""
import discord
from discord.ext import commands
from wompbot_cogs import Plugin

class Clash(commands.Cog):
    def __init__(self, context):
        context.spawn(forever())

    @commands.command()
    async def first(self, context): ...

    @commands.Cog.listener()
    async def on_message(self, message): ...

    {declared}
    async def clash(self, context):
        "Clash."

async def forever():
    import asyncio
    await asyncio.Event().wait()

plugin = Plugin(Clash)
"""
    before = {*living.app.bot.all_commands}
    site.install("clash", code)
    with pytest.raises(PluginBroken, match=taken):
        await living.app.host.load("clash")
    assert {*living.app.bot.all_commands} == before
    assert living.app.bot.extra_events.get("on_message", []) == []
    assert living.app.bot.get_cog("Clash") is None
    assert not any(task.get_name() == "plugin clash" for task in asyncio.all_tasks())


# -- what a plugin may have ------------------------------------------------------------------------


async def test_a_plugin_gets_only_what_its_manifest_asks_for(living: Living, site: PluginSite) -> None:
    site.install("teller", TELLER.replace("{capability}", "llm"))
    with pytest.raises(NotGranted, match="'llm' is not in its manifest"):
        await living.app.host.load("teller")
    assert "wompbot.toml" in NotGranted.hint


@pytest.mark.parametrize("capability", ["costs", "plugins"])
async def test_some_things_only_the_owner_gives(living: Living, site: PluginSite, capability: str) -> None:
    host = living.app.host
    site.install("teller", TELLER.replace("{capability}", capability), needs=[capability])
    with pytest.raises(NotGranted, match=f"consent to {capability}"):
        await host.load("teller")
    with pytest.raises(NotGranted):
        await host.grant("teller", "llm")
    await host.grant("teller", capability)
    assert (await host.load("teller")).state == "live"
    await host.withdraw("teller", capability)
    with pytest.raises(NotGranted):
        await host.load("teller")
    with pytest.raises(NotGranted):
        await host.withdraw("teller", capability)
    with pytest.raises(PluginUnknown):
        await host.grant("nonsense", capability)


# -- what the owner decided stays ------------------------------------------------------------------


async def test_decisions_survive_a_restart(bot_settings: BotSettings, site: PluginSite) -> None:
    site.install("hello")
    async with open_app(bot_settings) as app:
        await app.host.unload("hello")
        await app.host.unload("chat")
    async with open_app(bot_settings) as app:
        assert live(app) == {*BUILT_IN} - {"chat"}
        await app.host.load("chat")
    async with open_app(bot_settings) as app:
        assert live(app) == {*BUILT_IN}


async def test_a_plugin_that_fails_can_be_switched_off(bot_settings: BotSettings, site: PluginSite) -> None:
    site.install("hello", "raise ValueError")
    async with open_app(bot_settings) as app:
        await app.host.unload("hello")
        assert {state.id: state.state for state in app.host.states()}["hello"] == "off"
    async with open_app(bot_settings) as app:
        assert {state.id: state.problem for state in app.host.states()}["hello"] == ""


async def test_who_decided_is_on_record(living: Living) -> None:
    await living.ask(OWNER, "!plugins unload chat")
    row = await living.app.core.db.fetch_one(
        "SELECT enabled, changed_by FROM plugin_states WHERE id = 'chat'"
    )
    assert row == (False, living.guild.member(OWNER).id)


async def test_the_plugin_that_loads_the_others_stays(living: Living) -> None:
    with pytest.raises(PluginError, match="cannot unload itself"):
        await living.app.host.unload("plugins")
    assert (await living.app.host.swap("plugins")).state == "live"
    assert "is loaded" in await living.ask(OWNER, "!plugins load chat")
