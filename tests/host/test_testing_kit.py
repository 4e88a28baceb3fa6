"""The kit for plugin authors finds what it shall find."""

from __future__ import annotations

from pathlib import Path

import pytest

from living_bot import Living
from plugin_site import GREETER, PluginSite
from wompbot_cogs.authoring.project import PluginProject, importable, project_of
from wompbot_cogs.host import discover
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.testing import LivingBot, ScriptedModel, living_bot
from wompcore.clock import SteppedClock

LEAKY = """
import asyncio
from discord.ext import commands
from wompbot_cogs import Plugin

class Leaky(commands.Cog):
    def __init__(self, context):
        {leak}

plugin = Plugin(Leaky)
"""
BUTTON = """
import discord
from discord.ext import commands
from wompbot_cogs import Plugin

class Panel(discord.ui.View):
    @discord.ui.button(label="Press me")
    async def press(self, interaction, button):
        await interaction.response.edit_message(content=f"{interaction.user.name} pressed", view=None)

class Buttons(commands.Cog):
    @commands.command()
    async def panel(self, context):
        await context.send("Well?", view=Panel())

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload):
        channel = payload.member.guild.get_channel(payload.channel_id)
        await channel.send(f"{payload.member.name} reacted with {payload.emoji}")

plugin = Plugin(lambda context: Buttons())
"""


async def test_a_plugin_that_cleans_up_leaves_nothing(site: PluginSite, bot_settings: BotSettings) -> None:
    site.install("hello")
    async with living_bot(bot_settings, plugin="hello") as bot:
        await bot.load("hello")
        await bot.assert_no_leaks()
        assert await bot.ask("alice", "!hello") == "hello from hello"


@pytest.mark.parametrize(
    ("leak", "says"),
    [
        ("asyncio.get_running_loop().call_later(3600, print, self)", "cog Leaky, held by"),
        pytest.param(
            "import heard_by_all; heard_by_all.HELD.append(self)",
            "cog Leaky, held by",
            marks=pytest.mark.endurance(only=True),
        ),
    ],
)
async def test_what_a_plugin_leaves_behind_is_named(
    site: PluginSite, bot_settings: BotSettings, leak: str, says: str
) -> None:
    (site.folder / "heard_by_all.py").write_text("HELD = []")
    site.packages.add("heard_by_all")
    site.install("leaky", LEAKY.replace("{leak}", leak))
    async with living_bot(bot_settings, plugin="leaky") as bot:
        await bot.load("leaky")
        with pytest.raises(AssertionError, match=says):
            await bot.assert_no_leaks()


async def test_people_press_buttons_and_react(living: Living, site: PluginSite) -> None:
    site.install("buttons", BUTTON)
    await living.load("buttons")
    assert await living.ask("alice", "!panel") == "Well?"
    assert await living.click("bob", "Press me") == "bob pressed"
    await living.react("alice", "👍")
    assert living.last.text == "alice reacted with 👍"


async def test_the_model_follows_its_script_and_then_thinks_for_itself(
    living: Living, model: ScriptedModel
) -> None:
    model.says("This is in the script.")
    model.fails(400)
    assert await living.ask("alice", "wompbot, who are you?") == "This is in the script."
    assert "not available" in await living.ask("alice", "wompbot, who are you now?")
    assert "offline" in await living.ask("alice", "wompbot, who are you really?")
    assert "who are you?" in model.asked[0]["messages"][-1]["content"]


async def test_the_clock_stands_until_it_is_moved(bot_settings: BotSettings, clock: SteppedClock) -> None:
    slow = bot_settings.limits.model_copy(update={"person_cooldown_s": 30})
    settings = bot_settings.model_copy(update={"limits": slow})
    async with living_bot(settings, clock=clock) as bot:
        await bot.ask("alice", "wompbot, who are you?")
        assert "30 s" in await bot.ask("alice", "wompbot, who are you?")
        clock.advance(31)
        assert "30 s" not in await bot.ask("alice", "wompbot, who are you?")


@pytest.mark.parametrize("layout", [".", "src"])
def test_a_project_is_importable_without_being_installed(tmp_path: Path, layout: str) -> None:
    project = tmp_path / "project"
    site = PluginSite(project / layout)
    site.install("kitted", GREETER)
    for written in (project / layout).glob("*.dist-info"):
        written.rename(tmp_path / "not-installed")
    (project / "pyproject.toml").write_text(
        '[project]\nname = "my-kitted"\n'
        '[project.entry-points."wompbot.cogs"]\nkitted = "kitted_plugin:plugin"\n'
    )
    (project / "tests").mkdir()
    found = project_of(project / "tests" / "test_it.py")
    assert found == PluginProject(project, "my-kitted", {"kitted": "kitted_plugin:plugin"})
    with importable(found, tmp_path / "installed"):
        assert discover()["kitted"].problem is None
    assert "kitted" not in discover()


def test_a_test_outside_any_plugin_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no pyproject"):
        project_of(tmp_path)


async def test_a_bot_with_one_plugin_has_only_that(site: PluginSite, bot_settings: BotSettings) -> None:
    site.install("hello")
    only = bot_settings.bot.model_copy(update={"plugins": ("hello",)})
    async with living_bot(bot_settings.model_copy(update={"bot": only}), plugin="hello") as bot:
        assert isinstance(bot, LivingBot)
        live = [state.id for state in bot.app.host.states() if state.state == "live"]
    assert live == ["hello"]


@pytest.fixture
def plugin_id(site: PluginSite) -> str:
    site.install("till", needs=["costs"])
    return "till"


async def test_the_plugin_under_test_has_what_only_an_owner_gives(bot: LivingBot) -> None:
    assert await bot.ask("alice", "!till") == "hello from till"
    await bot.assert_no_leaks()
