"""A running plugin is replaced by its newest code; nobody notices but for what is new."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import weakref
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from living_bot import OWNER, Living
from plugin_site import BUILT_IN, GREETER, PluginSite
from wompbot_cogs.bot import WompBot
from wompbot_cogs.errors import PluginBroken, PluginError, PluginUnknown
from wompbot_cogs.host.importer import modules_of

ENDURANCE = os.environ.get("WOMPBOT_ENDURANCE") == "1"

HEARER = """
import asyncio
from discord.ext import commands
from heard_by_all import FINISHED, HEARD, LISTENED
from wompbot_cogs import Plugin

class Hearer(commands.Cog):
    def __init__(self, context):
        context.messages.watch(lambda message: message.text.isdigit(), self.heard)

    async def cog_load(self):
        await asyncio.sleep(0.05)

    async def cog_unload(self):
        await asyncio.sleep(0.05)

    async def heard(self, message, source):
        HEARD.append(int(message.text))
        await asyncio.sleep(0.02)
        FINISHED.append(int(message.text))

    @commands.Cog.listener()
    async def on_message(self, message):
        if message.content.isdigit():
            LISTENED.append(int(message.content))

plugin = Plugin(Hearer)
"""
HOARDER = """
import asyncio
from discord.ext import commands, tasks
from heard_by_all import HEARD
from wompbot_cogs import Plugin

class Hoarder(commands.Cog):
    def __init__(self, context):
        context.spawn(asyncio.sleep(3600))
        context.messages.watch(lambda message: True, self.heard)
        context.messages.watch_changes(lambda edit: None, lambda ids: None)
        context.on_close(lambda: HEARD.append("closed"))
        self.tick.start()

    async def heard(self, message, source): ...

    @tasks.loop(seconds=0.01)
    async def tick(self): ...

    @commands.hybrid_command()
    async def hoard(self, context):
        "Hoard."

    @commands.Cog.listener()
    async def on_typing(self, *args): ...

    async def bot_check(self, context):
        return True

plugin = Plugin(Hoarder)
"""


@pytest.fixture
def heard(site: PluginSite) -> ModuleType:
    """What plugins of these tests tell, kept outside them: after a swap every module of theirs is new."""
    (site.folder / "heard_by_all.py").write_text("HEARD, FINISHED, LISTENED = [], [], []")
    site.packages.add("heard_by_all")
    return import_module("heard_by_all")


async def test_the_newest_code_of_every_module_serves(living: Living, site: PluginSite) -> None:
    code = GREETER.replace("{package}.words", "{package}.inner")
    site.install("hello", code, inner="from hello_plugin.words import GREETING\n")
    await living.app.host.load("hello")
    site.install("hello", code, inner="from hello_plugin.words import GREETING\n", words="GREETING = 'new'\n")
    assert await living.ask("alice", "!hello") == "hello from hello"
    await living.app.host.swap("hello")
    assert await living.ask("alice", "!hello") == "new"


@pytest.mark.parametrize("writes_bytecode", [True, False])
async def test_two_edits_within_a_second_and_of_one_length_both_count(
    living: Living, site: PluginSite, monkeypatch: pytest.MonkeyPatch, writes_bytecode: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", not writes_bytecode)
    folder = site.install("hello", words="GREETING = 'a'\n")
    await living.app.host.load("hello")
    times = (folder / "words.py").stat()
    for letter in "bc":
        site.install("hello", words=f"GREETING = '{letter}'\n")
        os.utime(folder / "words.py", ns=(times.st_atime_ns, times.st_mtime_ns))
        await living.app.host.swap("hello")
        assert await living.ask("alice", "!hello") == letter


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("def nonsense(:\n", r"syntax error in .*hello_plugin.__init__\.py, line 1"),
        (GREETER.replace("GREETING\n\n", "NOTHING\n\n"), "ImportError: cannot import name 'NOTHING'"),
        (GREETER.replace("Greeter()", "missing()"), "NameError"),
        (GREETER + "plugin.prepare = lambda context: 1 / 0", "ZeroDivisionError: division by zero"),
        (GREETER.replace('name="{id}")\n    async', 'name="spend")\n    async'), "is that of plugin spend"),
    ],
)  # fmt: skip
async def test_a_broken_update_leaves_the_old_one_serving(
    living: Living, site: PluginSite, broken: str, problem: str
) -> None:
    site.install("hello")
    await living.app.host.load("hello")
    modules = {name: module for name, module in sys.modules.items() if name.startswith("hello_plugin")}
    site.install("hello", broken)
    with pytest.raises(PluginBroken, match=problem):
        await living.app.host.swap("hello")
    assert await living.ask("alice", "!hello") == "hello from hello"
    assert {name: sys.modules[name] for name in modules} == modules
    hello = next(state for state in living.app.host.states() if state.id == "hello")
    assert hello.state == "live"
    assert hello.problem.startswith("last update refused: ")
    assert "last update refused: " in await living.ask(OWNER, "!plugins health")
    site.install("hello", words="GREETING = 'mended'\n")
    await living.app.host.swap("hello")
    assert await living.ask("alice", "!hello") == "mended"


@pytest.mark.endurance
async def test_no_event_is_lost_or_doubled_while_versions_change(
    living: Living, site: PluginSite, heard: ModuleType
) -> None:
    site.install("hearer", HEARER, needs=["messages"])
    await living.app.host.load("hearer")
    said = 0
    spoken = asyncio.Semaphore(0)  # one for every few messages
    talking: list[asyncio.Task[int]] = []

    async def talk() -> None:
        nonlocal said
        while True:
            talking.append(asyncio.create_task(living.guild.say("alice", str(said))))
            said += 1
            if said % 8 == 0:
                spoken.release()
            await asyncio.sleep(0.004)

    talk_on = asyncio.create_task(talk())
    for change in range(6 if ENDURANCE else 3):
        await spoken.acquire()
        if change % 3 == 2:
            site.install("hearer", "raise ValueError('broken')")
            with pytest.raises(PluginBroken):
                await living.app.host.swap("hearer")
        else:
            site.install("hearer", HEARER, needs=["messages"])
            await living.app.host.swap("hearer")
    talk_on.cancel()
    await asyncio.gather(*talking)
    assert heard.HEARD == heard.LISTENED == [*range(said)]
    assert sorted(heard.FINISHED) == [*range(said)]


async def test_work_that_was_begun_is_finished_by_the_version_that_began_it(
    living: Living, site: PluginSite, heard: ModuleType
) -> None:
    site.install("hearer", HEARER.replace("sleep(0.02)", "sleep(0.3)"), needs=["messages"])
    await living.app.host.load("hearer")
    saying = asyncio.create_task(living.guild.say("alice", "1"))
    while not heard.HEARD:  # noqa: ASYNC110 # the plugin tells nobody
        await asyncio.sleep(0.01)
    await living.app.host.unload("hearer")
    assert heard.FINISHED == []
    await saying
    assert heard.FINISHED == [1]
    await living.guild.say("alice", "2")
    assert heard.HEARD == [1]


async def test_unloading_leaves_nothing(living: Living, site: PluginSite, heard: ModuleType) -> None:
    bot = living.app.bot
    before = footprint(bot)
    site.install("hoarder", HOARDER, needs=["messages"])
    await living.app.host.load("hoarder")
    assert footprint(bot) != before
    cog, module = weakref.ref(bot.cogs["Hoarder"]), weakref.ref(sys.modules["hoarder_plugin"])
    await living.app.host.unload("hoarder")
    await drained("hoarder")
    assert footprint(bot) == before
    assert heard.HEARD == ["closed"]
    gc.collect()
    assert cog() is None
    assert module() is None


@pytest.mark.endurance
async def test_many_swaps_leave_as_little_as_one(living: Living, site: PluginSite, heard: ModuleType) -> None:
    site.install("hoarder", HOARDER, needs=["messages"])
    await living.app.host.load("hoarder")
    before = footprint(living.app.bot)
    packages = {"hoarder": "hoarder_plugin"}
    packages |= {plugin: f"wompbot_cogs.cogs.{plugin}" for plugin in BUILT_IN}
    retired = []
    for _ in range(60 if ENDURANCE else 3):
        for plugin, package in packages.items():
            retired += [weakref.ref(sys.modules[name]) for name in modules_of(package)]
            await living.app.host.swap(plugin)
    await asyncio.gather(*(drained(plugin) for plugin in packages))
    async with asyncio.timeout(60):  # what a plugin does at its start may have been under way, and may be
        while (after := footprint(living.app.bot))["tasks"] > before["tasks"]:  # noqa: ASYNC110 # nobody tells
            await asyncio.sleep(0.01)
    assert after | {"tasks": 0} == before | {"tasks": 0}
    gc.collect()
    assert [module() for module in retired if module() is not None] == []


async def test_a_plugin_that_does_not_run_is_not_swapped(living: Living, site: PluginSite) -> None:
    site.install("hello")
    with pytest.raises(PluginUnknown) as refusal:
        await living.app.host.swap("hello")
    assert refusal.value.hint == "`wompbot plugins load hello` loads it."


async def test_a_class_from_another_package_can_come_and_go(living: Living, site: PluginSite) -> None:
    site.install("hello")
    site.install("lender", "from hello_plugin import Greeter\nfrom wompbot_cogs import Plugin\n"
                           "plugin = Plugin(lambda context: Greeter())")  # fmt: skip
    for _ in range(2):
        await living.app.host.load("lender")
        assert await living.ask("alice", "!hello") == "hello from hello"
        await living.app.host.unload("lender")
        assert await living.ask("alice", "!hello") == ""


STEPS = st.lists(st.sampled_from(["load", "swap", "unload", "break", "mend"]), max_size=12)


@pytest.mark.endurance
@given(steps=STEPS)
@settings(
    max_examples=100 if ENDURANCE else 10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_what_serves_is_always_the_last_code_that_loaded(
    living: Living, site: PluginSite, steps: list[str]
) -> None:
    host, served, written, works = living.app.host, "", 0, True
    site.install("hello", words="GREETING = '0'")
    for step in steps:
        if step in ("break", "mend"):
            written, works = written + 1, step == "mend"
            site.install("hello", words=f"GREETING = '{written}'" if works else "raise ValueError")
            continue
        refused = (step == "swap" and not served) or (step != "unload" and not works)
        try:
            await getattr(host, step)("hello")
        except PluginError:
            assert refused
        else:
            assert not refused
            served = "" if step == "unload" else str(written)
        assert await living.ask("alice", "!hello") == served
    await host.unload("hello")


def footprint(bot: WompBot) -> dict[str, Any]:
    """Return everything that a plugin could have left behind."""
    return {
        "cogs": sorted(bot.cogs),
        "commands": sorted(bot.all_commands),
        "slash": sorted(command.name for command in bot.tree.get_commands()),
        "listeners": {name: len(found) for name, found in bot.extra_events.items() if found},
        "checks": len(bot._checks),
        "watches": (len(bot.flow._watches), len(bot.flow._edit_watches), len(bot.flow._delete_watches)),
        "tasks": sum(task.get_name().startswith("plugin ") for task in asyncio.all_tasks()),
        "loops": sum("Loop._loop" in repr(task) for task in asyncio.all_tasks()),
        "modules": sorted(name for name in sys.modules if "hoarder" in name or "wompbot_cogs.cogs" in name),
        "finders": len(sys.meta_path),
    }


async def drained(plugin: str) -> None:
    """Wait until the versions of a plugin that no longer serve have ended."""
    draining = [task for task in asyncio.all_tasks() if task.get_name() == f"drain {plugin}"]
    await asyncio.gather(*draining)


@pytest.mark.endurance
@pytest.mark.timeout(1200)
@pytest.mark.skipif(os.environ.get("WOMPBOT_ENDURANCE") != "1", reason="a few cycles say nothing of memory")
def test_memory_stays_as_it_is_after_the_20th_cycle_of_every_built_in() -> None:
    code = "import asyncio, benchmarks.bench_hot_swap as b; print(asyncio.run(b.growth_mib(200)))"
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert float(ran.stdout) <= 2  # MiB
