"""What people see who use a plugin's commands, buttons and modals while it is swapped, broken or gone."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

import discord
import pytest

from living_bot import Living
from plugin_site import PluginSite

PANEL = """
import asyncio, sys
import discord
from discord import app_commands
from discord.ext import commands, tasks
from wompbot_cogs import Plugin

GATE = asyncio.Event()

class Form(discord.ui.Modal, title="Form"):
    word = discord.ui.TextInput(label="Word", custom_id="word")

    async def on_submit(self, interaction):
        if str(self.word) == "exit":
            {fault}
        await interaction.response.send_message(f"{VERSION} read {self.word}", ephemeral=True)

class Numbered(discord.ui.DynamicItem[discord.ui.Button], template="number:(?P<number>[0-9]+)"):
    def __init__(self, number):
        super().__init__(discord.ui.Button(label=f"Number {number}", custom_id=f"number:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(cls, interaction, item, match):
        return cls(int(match["number"]))

    async def callback(self, interaction):
        if self.number == 2:
            {fault}
        await interaction.response.send_message(f"{VERSION} number {self.number}", ephemeral=True)

class Panel(discord.ui.View):
    def __init__(self, timeout=None):
        super().__init__(timeout=timeout)

    @discord.ui.button(label="Press", custom_id="panel:press")
    async def press(self, interaction, button):
        await interaction.response.send_message(f"{VERSION} pressed", ephemeral=True)

    @discord.ui.button(label="Wait", custom_id="panel:wait")
    async def wait(self, interaction, button):
        await GATE.wait()
        await interaction.response.send_message(f"{VERSION} waited", ephemeral=True)

    @discord.ui.button(label="Fail", custom_id="panel:fail")
    async def fail(self, interaction, button):
        {fault}

    @discord.ui.button(label="Form", custom_id="panel:form")
    async def form(self, interaction, button):
        await interaction.response.send_modal(Form(custom_id="panel:modal"))

    @discord.ui.select(custom_id="panel:pick", options=[discord.SelectOption(label="One", value="1")])
    async def pick(self, interaction, select):
        await interaction.response.send_message(f"{VERSION} picked {select.values[0]}", ephemeral=True)

class Panels(commands.Cog):
    def __init__(self, context):
        context.add_view(Panel())
        context.add_buttons(Numbered)
        self.tick.start()
        self.context = context

    @commands.command()
    async def panel(self, context, timeout: float = 0):
        view = Panel(timeout or None)
        for number in (1, 2):
            view.add_item(Numbered(number))
        await context.send("Panel", view=view)

    @commands.hybrid_command()
    async def lasting(self, context):
        "Say which version serves."
        await context.send(VERSION, ephemeral=True)

    @app_commands.command()
    async def choose(self, interaction: discord.Interaction, word: str):
        "Choose a word."
        await interaction.response.send_message(word)

    @choose.autocomplete("word")
    async def words(self, interaction, typed):
        if typed == "exit":
            {fault}
        return [app_commands.Choice(name="one", value="one")]

    @app_commands.command()
    @app_commands.check(lambda interaction: fault())
    async def checked(self, interaction: discord.Interaction):
        "Never."

    @commands.Cog.listener()
    async def on_message(self, message):
        if message.content == "listen":
            {fault}

    @tasks.loop(count=1)
    async def tick(self):
        {fault}

def fault():
    {fault}

plugin = Plugin(Panels)
"""
FAULTS = ["raise SystemExit(3)", "raise ValueError('odd')"]


def panel(version: str, fault: str = "pass") -> str:
    return (
        PANEL.replace("VERSION", repr(version)).replace(f"{{{version!r}}}", version).replace("{fault}", fault)
    )


def response(result: Any) -> tuple[str, bool]:
    """Return what one person was answered, and whether only they see it."""
    answer = result.response or result.followups[-1]
    return answer.content, answer.ephemeral


async def press(living: Living, message: discord.Message, label: str) -> tuple[str, bool]:
    return response(await living.guild.member("alice").click(message, label=label))


async def shown(living: Living, timeout_s: int = 0) -> discord.Message:
    """Have the panel shown, and return the message."""
    assert await living.ask("alice", f"!panel {timeout_s}") == "Panel"
    place: Any = living.app.bot.get_channel(living.guild.channel_id())
    message: discord.Message = await place.fetch_message(living.last.id)
    return message


async def drained(plugin: str) -> None:
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == f"drain {plugin}"))
    await asyncio.sleep(0)


async def test_lasting_buttons_menus_and_kinds_are_answered_by_whichever_version_serves(
    living: Living, site: PluginSite
) -> None:
    site.install("panel", panel("one"))
    await living.app.host.load("panel")
    message = await shown(living)
    old_form = await living.guild.member("alice").click(message, label="Form")
    for version in ("one", "two"):
        site.install("panel", panel(version))
        await living.app.host.swap("panel")
        assert await press(living, message, "Press") == (f"{version} pressed", True)
        assert await press(living, message, "Number 1") == (f"{version} number 1", True)
        picked = await living.guild.member("alice").select(message, ["1"])
        assert response(picked) == (f"{version} picked 1", True)
        await drained("panel")
        assert living.app.host.receipts() == {}
    told, hidden = response(await living.guild.member("alice").submit_modal(old_form, {"word": "hi"}))
    assert "no longer here" in told
    assert hidden


async def test_a_click_is_finished_over_a_swap_and_new_ones_go_to_the_new_version(
    living: Living, site: PluginSite
) -> None:
    site.install("panel", panel("one"))
    await living.app.host.load("panel")
    message = await shown(living)
    gate = import_module("panel_plugin").GATE
    waiting = await living.guild.member("alice").click(message, label="Wait")
    site.install("panel", panel("two"))
    await living.app.host.swap("panel")
    assert await press(living, message, "Press") == ("two pressed", True)
    gate.set()
    await drained("panel")
    assert response(waiting) == ("one waited", True)


async def test_whoever_uses_what_is_gone_is_told_so_kindly(living: Living, site: PluginSite) -> None:
    site.install("panel", panel("one"))
    await living.app.host.load("panel")
    alice = living.guild.member("alice")
    lasting, timed = await shown(living), await shown(living, 600)
    form = await alice.click(lasting, label="Form")
    await living.app.host.unload("panel")
    await drained("panel")
    results = [
        await alice.click(lasting, label="Press"),
        await alice.click(lasting, label="Number 1"),
        await alice.select(lasting, ["1"]),
        await alice.click(timed, label="Press"),
        await alice.submit_modal(form, {"word": "hi"}),
    ]
    for result in results:
        text, hidden = response(result)
        assert "no longer here" in text
        assert hidden


async def test_a_command_that_discord_still_shows_is_answered_for(living: Living, site: PluginSite) -> None:
    site.install("panel", panel("one"))
    await living.app.host.load("panel")
    alice, channel = living.guild.member("alice"), living.guild._channels[living.guild.main_channel]
    await living.slash("alice", "lasting")  # registered
    for name in ("choose", "lasting"):
        living.app.bot.tree.remove_command(name)
    text, hidden = response(await alice.slash(channel, "lasting"))
    assert "no longer here" in text
    assert hidden
    assert await alice.autocomplete(channel, "choose", "word", "o") == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_fault_of_a_plugin_ends_more_than_itself_and_each_is_booked_to_it(
    living: Living, site: PluginSite, fault: str
) -> None:
    site.install("panel", panel("one", fault))
    await living.app.host.load("panel")
    alice, channel = living.guild.member("alice"), living.guild._channels[living.guild.main_channel]
    await living.slash("alice", "lasting")
    message = await shown(living)
    errors = [booked(living)]  # the loop's

    async def books(answer: tuple[str, bool] | None) -> None:
        errors.append(booked(living))
        if answer is not None:
            assert "Something went wrong on our side" in answer[0]
            assert answer[1]

    await books(await press(living, message, "Fail"))
    await books(await press(living, message, "Number 2"))
    form = await alice.click(message, label="Form")
    await books(response(await alice.submit_modal(form, {"word": "exit"})))
    await alice.autocomplete(channel, "choose", "word", "exit")
    await books(None)
    await books(response(await alice.slash(channel, "checked")))
    await living.guild.say("alice", "listen")
    await books(None)
    assert errors == [*range(1, 8)]
    assert (await living.slash("alice", "lasting")) == "one"


def booked(living: Living) -> int:
    return next(state.errors for state in living.app.host.states() if state.id == "panel")
