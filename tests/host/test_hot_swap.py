"""The recipes at which other hosts fail; docs/plugins/hot-swap.md lists them. With bytecode and without."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import weakref
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from discord.ext import commands

from living_bot import OWNER, Living, Opener
from plugin_site import BUILT_IN, GREETER, PluginSite
from wompbot_cogs.errors import PluginBroken
from wompbot_cogs.host.importer import modules_of
from wompbot_cogs.settings import BotSettings
from wompcore.usage import Attribution, Purpose

ENDURANCE = os.environ.get("WOMPBOT_ENDURANCE") == "1"
COG = """
import asyncio
import shared
from discord.ext import commands, tasks
from wompbot_cogs import Plugin, hookimpl

class Tested(commands.Cog):
    def __init__(self, context):
        self.context = context
{body}

plugin = Plugin(Tested)
"""


@pytest.fixture(params=[True, False], ids=["bytecode", "no bytecode"], autouse=True)
def _bytecode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", not request.param)


@pytest.fixture
def shared(site: PluginSite) -> ModuleType:
    """A module outside of every plugin, in which they leave what they saw."""
    (site.folder / "shared.py").write_text("SEEN = []\n")
    site.packages.add("shared")
    return import_module("shared")


def cog(body: str) -> str:
    """Return the code of a plugin whose cog has this body."""
    return COG.replace("{body}", body)


async def until(true: Callable[[], Any]) -> None:
    """Wait until something holds that nobody tells of."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def left_of(living: Living, plugin: str) -> tuple[str, ...]:
    return living.app.host.receipts().get(plugin, ())


async def drained(living: Living, plugin: str) -> None:
    await until(lambda: not any(task.get_name() == f"drain {plugin}" for task in asyncio.all_tasks()))


def tasks_of(package: str) -> int:
    """Return the number of tasks that a package's code made, whatever they are called."""
    return sum(task.get_name() == package for task in asyncio.all_tasks())


def tasks_of_plugins() -> int:
    return sum(task.get_name().startswith(("plugin ", "drain ")) for task in asyncio.all_tasks())


def parts_of(package: str, cog: commands.Cog | None) -> list[weakref.ref[Any]]:
    """Return what a version consists of, held by nothing here."""
    assert cog is not None
    return [weakref.ref(part) for part in (sys.modules[package], type(cog), cog)]


def alive(parts: list[weakref.ref[Any]]) -> int:
    gc.collect()
    return sum(part() is not None for part in parts)


def added_to(bot: commands.Bot) -> dict[str, int]:
    """Return how much of each kind the bot has."""
    return {
        "checks": len(bot._checks),
        "cogs": len(bot.cogs),
        "commands": len(bot.commands),
        "listeners": sum(len(found) for found in bot.extra_events.values()),
        "slash commands": len(bot.tree.get_commands()),
        "views": len(bot.persistent_views),
    }


async def test_m1_after_a_failed_import_the_new_code_of_every_module_serves(
    living: Living, site: PluginSite
) -> None:
    site.install("hello", "from hello_plugin import sub\nraise ValueError", sub="WORD = 'stale'\n")
    with pytest.raises(PluginBroken):
        await living.app.host.load("hello")
    site.install("hello", GREETER.replace("words import GREETING", "sub import WORD as GREETING"),
                 sub="WORD = 'fresh'\n")  # fmt: skip
    await living.app.host.load("hello")
    assert await living.ask("alice", "!hello") == "fresh"


async def test_m2_two_edits_of_one_second_and_one_length_both_count(living: Living, site: PluginSite) -> None:
    folder = site.install("hello", words="GREETING = 'a'\n")
    await living.app.host.load("hello")
    times = (folder / "words.py").stat()
    for letter in "bc":
        site.install("hello", words=f"GREETING = '{letter}'\n")
        os.utime(folder / "words.py", ns=(times.st_atime_ns, times.st_mtime_ns))
        await living.app.host.swap("hello")
        assert await living.ask("alice", "!hello") == letter


async def test_m3_loops_and_bare_tasks_end_without_a_cog_unload(living: Living, site: PluginSite) -> None:
    code = cog("""
        self.tick.start()
        asyncio.create_task(asyncio.Event().wait(), name="bare")
        asyncio.create_task(self.forever(), name="bare")

    async def forever(self):
        await asyncio.sleep(3600)

    @tasks.loop(seconds=0.01, name="bare")
    async def tick(self): ...
""")
    site.install("m3", code.replace("import shared\n", ""))
    await living.app.host.load("m3")
    ended = []
    for _ in range(3):
        ended += parts_of("m3_plugin", living.app.bot.get_cog("Tested"))
        await living.app.host.swap("m3")
    await drained(living, "m3")
    assert tasks_of("bare") == 3
    ended += parts_of("m3_plugin", living.app.bot.get_cog("Tested"))
    await living.app.host.unload("m3")
    await drained(living, "m3")
    assert tasks_of("bare") == 0
    assert left_of(living, "m3") == ()
    assert alive(ended) == 0


async def test_m4_a_slash_name_that_is_taken_leaves_nothing_and_names_both_owners(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    site.install("m4", cog("""
    async def cog_load(self):
        shared.SEEN.append("load")

    async def cog_unload(self):
        shared.SEEN.append("unload")

    async def bot_check(self, context):
        return False

    @commands.hybrid_command(name="wompbot_optout")
    async def clash(self, context):
        "Clash."
"""))  # fmt: skip
    before = added_to(living.app.bot)
    with pytest.raises(PluginBroken, match=r"plugin m4: .*wompbot_optout is that of plugin privacy"):
        await living.app.host.load("m4")
    assert shared.SEEN == ["load", "unload"]
    assert added_to(living.app.bot) == before
    assert modules_of("m4_plugin") == []
    assert "$0.00" in await living.ask("alice", "!spend")  # no check stayed


async def test_m5_what_is_added_to_the_bot_by_hand_leaves_with_the_plugin(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    code = cog("""
    @commands.command()
    async def dig(self, context):
        async def listener(message):
            shared.SEEN.append("heard")
        listener.__module__ = "elsewhere"
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(custom_id="m5", label="m5"))
        context.bot.add_listener(listener, "on_message")
        context.bot.add_check(lambda _: True)
        context.bot.add_view(view)
        context.bot.tree.add_command(discord.app_commands.ContextMenu(name="m5", callback=menu))
        await context.send("dug")
""")
    menu = "import discord\nasync def menu(interaction, message: discord.Message): ...\n"
    site.install("m5", menu + code)
    bot = living.app.bot
    before = added_to(bot)
    await living.app.host.load("m5")
    assert await living.ask("alice", "!dig") == "dug"
    await living.app.host.unload("m5")
    await drained(living, "m5")
    heard = len(shared.SEEN)
    await living.guild.say("alice", "anybody there?")
    assert added_to(bot) == before
    assert len(shared.SEEN) == heard
    assert left_of(living, "m5") == ()


async def test_m6_a_cog_class_of_another_package_goes_and_comes_again(
    living: Living, site: PluginSite
) -> None:
    site.install("hello")
    site.install("lender", "from hello_plugin import Greeter\nfrom wompbot_cogs import Plugin\n"
                           "plugin = Plugin(lambda context: Greeter())")  # fmt: skip
    for _ in range(2):
        await living.app.host.load("lender")
        assert await living.ask("alice", "!hello") == "hello from hello"
        await living.app.host.unload("lender")
        assert await living.ask("alice", "!hello") == ""


async def test_m7_a_syntax_error_is_shown_with_file_and_line_and_the_old_one_never_notices(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    code = cog("""
    async def cog_unload(self):
        shared.SEEN.append("unload")
""")
    site.install("m7", code)
    await living.app.host.load("m7")
    serving = living.app.bot.get_cog("Tested")
    site.install("m7", code + "\ndef broken(:\n")
    with pytest.raises(PluginBroken, match=r"syntax error in .*m7_plugin.__init__\.py, line \d+"):
        await living.app.host.swap("m7")
    assert shared.SEEN == []
    assert serving is not None
    assert living.app.bot.get_cog("Tested") is serving


HEARER = cog("""
    async def cog_load(self):
        await asyncio.sleep(0.05)

    async def cog_unload(self):
        await asyncio.sleep(0.05)

    @commands.Cog.listener()
    async def on_message(self, message):
        if message.content.isdigit():
            shared.SEEN.append(int(message.content))
""")


async def talk(living: Living, events: int) -> None:
    """Say numbers, one every 10 ms, whatever happens meanwhile."""
    said = []
    for number in range(events):
        said.append(asyncio.create_task(living.guild.say("alice", str(number))))
        await asyncio.sleep(0.01)
    await asyncio.gather(*said)


async def test_m8_events_during_a_swap_with_slow_hooks_are_all_handled_once_in_order(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    site.install("m8", HEARER)
    await living.app.host.load("m8")
    talking = asyncio.create_task(talk(living, 20))
    await asyncio.sleep(0.03)
    await living.app.host.swap("m8")
    await talking
    assert [*range(20)] == shared.SEEN


async def test_m9_hooks_of_a_swapped_plugin_are_the_new_ones_and_the_old_module_goes(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    code = cog("""
    @hookimpl
    def tools(self, asker):
        shared.SEEN.append("old")
""")
    site.install("m9", code)
    await living.app.host.load("m9")
    old = weakref.ref(sys.modules["m9_plugin"])
    await living.ask("alice", "wompbot, who are you?")
    site.install("m9", code.replace('"old"', '"new"'))
    await living.app.host.swap("m9")
    await living.ask("alice", "wompbot, who are you?")
    await drained(living, "m9")
    assert shared.SEEN == ["old", "new"]
    assert left_of(living, "m9") == ()
    assert old() is None


async def test_m10_an_entry_point_that_raises_stops_no_other(
    open_bot: Opener, bot_settings: BotSettings, site: PluginSite
) -> None:
    site.install("a_bad", "raise ValueError('no luck')")
    site.install("z_good")
    living = await open_bot(bot_settings)
    states = {state.id: state for state in living.app.host.states()}
    assert states["a_bad"].problem == "ValueError: no luck"
    assert states["z_good"].state == "live"


async def test_m11_others_answer_beside_a_hook_that_raises_is_async_or_never_returns(
    living: Living, site: PluginSite, shared: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    for plugin, hook in {
        "m11a": "def tools(self):\n        raise LookupError('no luck')",
        "m11b": "async def tools(self):\n        shared.SEEN.append(await asyncio.sleep(0, 'awaited'))",
        "m11c": "async def tools(self):\n        await asyncio.Event().wait()",
        "m11d": "def tools(self):\n        shared.SEEN.append('plain')",
    }.items():
        body = f"\n    @hookimpl\n    {hook}\n"
        site.install(plugin, cog(body).replace("Tested", plugin.title()))
        await living.app.host.load(plugin)
    caplog.set_level(logging.ERROR)
    await living.app.hooks.ask("tools", asker=Attribution(Purpose.CHAT))
    assert sorted(shared.SEEN) == ["awaited", "plain"]
    errors = {state.id: state.errors for state in living.app.host.states() if state.id.startswith("m11")}
    assert errors == {"m11a": 1, "m11b": 0, "m11c": 1, "m11d": 0}
    assert "did not answer within 2 s" in caplog.text


async def test_m12_a_distribution_installed_while_the_process_runs_is_found(
    living: Living, site: PluginSite
) -> None:
    before = site.folder.stat()
    assert "hello" not in {state.id for state in living.app.host.states()}
    site.install("hello")
    os.utime(site.folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (await living.app.host.load("hello")).state == "live"


async def test_m13_no_event_is_lost_over_a_swap_and_a_broken_update_leaves_the_old_one(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    site.install("m13", HEARER)
    await living.app.host.load("m13")
    await drained(living, "m13")
    before = len(asyncio.all_tasks())
    old = parts_of("m13_plugin", living.app.bot.get_cog("Tested"))
    talking = asyncio.create_task(talk(living, 40))
    await living.app.host.swap("m13")
    site.install("m13", HEARER + "\nraise ValueError('broken')")
    with pytest.raises(PluginBroken, match="broken"):
        await living.app.host.swap("m13")
    await talking
    await drained(living, "m13")
    assert [*range(40)] == shared.SEEN
    await living.guild.say("alice", "40")
    assert shared.SEEN[-1] == 40
    assert left_of(living, "m13") == ()
    assert alive(old) == 0
    await until(lambda: len(asyncio.all_tasks()) <= before)


@pytest.mark.endurance
@pytest.mark.timeout(400)
async def test_m14_cycles_of_every_built_in_leave_nothing(living: Living) -> None:
    """Resident memory over 200 rounds is row 13 of benchmarks, which test_swapping.py runs."""
    host, bot = living.app.host, living.app.bot
    counts = []
    for _ in range(20 if ENDURANCE else 2):
        for plugin in BUILT_IN:
            if plugin == "plugins":
                await host.swap(plugin)
            else:
                await host.unload(plugin)
                await host.load(plugin)
        for plugin in BUILT_IN:
            await drained(living, plugin)
        assert host.receipts() == {}
        counts.append(added_to(bot) | {"tasks": tasks_of_plugins(), "modules": len(sys.modules)})
    assert counts[1:] == counts[:-1]


async def test_a_class_that_typing_remembers_goes_with_its_version(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    site.install("kept", cog("    pass") + "\nimport typing\nKind = typing.Annotated[Tested, 'a note']\n")
    await living.app.host.load("kept")
    kind = weakref.ref(sys.modules["kept_plugin"].Tested)
    await living.app.host.unload("kept")
    await drained(living, "kept")
    assert living.app.host.receipts() == {}
    gc.collect()
    assert kind() is None


async def test_m15_a_running_command_finishes_and_new_calls_hear_that_it_is_being_updated(
    living: Living, site: PluginSite, shared: ModuleType
) -> None:
    site.install("m15", cog("""
    @commands.hybrid_command()
    async def slow(self, context):
        "Take long."
        shared.SEEN.append("begun")
        await asyncio.sleep(2)
        await context.send("finished")
"""))  # fmt: skip
    await living.app.host.load("m15")
    running = asyncio.create_task(living.guild.say("alice", "!slow"))
    await until(lambda: shared.SEEN)
    await living.app.host.unload("m15")
    assert "being updated" in await living.ask("bob", "!slow")
    assert shared.SEEN == ["begun"]
    await running
    assert living.guild.answers()[-1].text == "finished"
    await drained(living, "m15")
    assert await living.ask("bob", "!slow") == ""
    assert left_of(living, "m15") == ()


async def test_m16_a_plugin_that_keeps_failing_is_taken_out_tried_again_and_told_of_once(
    open_bot: Opener,
    bot_settings: BotSettings,
    site: PluginSite,
    shared: ModuleType,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tolerance = {"quarantine_pause_s": 0.2, "quarantine_window_s": 30.0}
    living = await open_bot(
        bot_settings.model_copy(update={"bot": bot_settings.bot.model_copy(update=tolerance)})
    )
    body = """
    @commands.Cog.listener()
    async def on_message(self, message):
        shared.SEEN.append(message.id)
        raise LookupError("no luck")
"""
    site.install("m16", cog(body))
    host = living.app.host
    await host.load("m16")

    def state() -> str:
        return next(state.state for state in host.states() if state.id == "m16")

    caplog.set_level(logging.ERROR)
    for number in range(14):
        await living.guild.say("alice", str(number))
    await until(lambda: state() == "quarantined")
    reason = next(state.problem for state in host.states() if state.id == "m16")
    assert reason == "10 errors in a short time, the last one LookupError: no luck"
    assert sum("plugin m16 failed" in record.message for record in caplog.records) == 10
    await until(lambda: state() == "live")  # on trial
    await living.guild.say("alice", "again")
    await until(lambda: state() == "quarantined")
    caplog.clear()
    told = await living.app.core.db.fetch_all("SELECT person_id, text FROM deliveries")
    assert {person for person, _ in told} == living.app.permissions.super_admins
    assert len(told) == len(living.app.permissions.super_admins)
    assert all("`m16` is in quarantine" in text for _, text in told)
    site.install("m16", cog(body.replace("raise", "0 and")))
    assert "is loaded" in await living.ask(OWNER, "!plugins release m16")
    seen = len(shared.SEEN)
    await living.guild.say("alice", "and again")
    assert (state(), len(shared.SEEN)) == ("live", seen + 1)
