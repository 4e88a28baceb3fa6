"""Reactions and menus of messages reach the plugins that want them, and nobody else."""

from __future__ import annotations

from typing import Any

import discord

from living_bot import OWNER, Living
from plugin_site import PluginSite

EARS = """
from discord.ext import commands
from wompbot_cogs import Plugin

class Ears(commands.Cog):
    def __init__(self, context):
        self.heard = []
        self.messages = context.messages
        self.near, self.all, self.followed = [], [], set()
        context.messages.watch_reactions(self.hear, emoji=("\N{FIRE}", ""))
        context.messages.watch_reactions(self.hear_near, emoji="\N{CLOUD}", messages=self.followed)
        context.messages.watch_reactions(self.hear_all)
        context.messages.menu("Repeat this", self.repeat)

    async def hear(self, reaction, message):
        assert message.id == reaction.message_id
        self.heard.append((reaction.change, reaction.name, reaction.person_id))

    def hear_near(self, reaction, message):
        self.near.append(reaction.name)

    def hear_all(self, reaction, message):
        self.all.append(reaction.name)

    async def repeat(self, interaction, message):
        said = self.messages.read(message)
        await interaction.response.send_message(f"{said.author_name}: {said.text} {said.allowed}")

plugin = Plugin(Ears)
"""


async def ears(living: Living, site: PluginSite) -> Any:
    site.install("an_ear", EARS, needs=["messages"])
    await living.app.host.load("an_ear")
    return living.app.bot.cogs["Ears"]


async def test_reactions_that_match_arrive_as_they_are_given_taken_back_and_cleared(
    living: Living, site: PluginSite
) -> None:
    heard = (await ears(living, site)).heard
    message_id = await living.guild.say("bob", "hello")
    for emoji in ("\N{FIRE}", "\N{CLOUD}"):
        await living.guild.react("alice", message_id, emoji)
    await living.guild.react("alice", message_id, "\N{FIRE}", take_back=True)
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    with living.guild.feeding() as work:
        await channel.get_partial_message(message_id).clear_reactions()
    assert await work.ended(10)
    alice = living.guild.member("alice").id
    assert heard == [
        ("added", "\N{FIRE}", alice),
        ("removed", "\N{FIRE}", alice),
        ("cleared", "", None),
    ]


async def test_a_plugin_hears_once_of_the_emoji_and_the_messages_it_named_and_of_all_if_it_named_none(
    living: Living, site: PluginSite
) -> None:
    cog = await ears(living, site)
    message_id = await living.guild.say("bob", "hello")
    for emoji in ("\N{FIRE}", "\N{CLOUD}", "\N{EYES}"):
        await living.guild.react("alice", message_id, emoji)
    assert cog.near == ["\N{CLOUD}"]
    cog.followed.add(message_id)
    for emoji in ("\N{CLOUD}", "\N{EYES}"):
        await living.guild.react("carol", message_id, emoji)
    assert cog.near == ["\N{CLOUD}", "\N{CLOUD}", "\N{EYES}"]
    assert cog.all == ["\N{FIRE}", "\N{CLOUD}", "\N{EYES}", "\N{CLOUD}", "\N{EYES}"]
    await living.app.host.unload("an_ear")
    await living.guild.react("dave", message_id, "\N{EYES}")
    assert len(cog.all) == 5


async def test_reactions_of_people_who_withdrew_and_in_excluded_channels_reach_nobody(
    living: Living, site: PluginSite
) -> None:
    heard = (await ears(living, site)).heard
    message_id = await living.guild.say("bob", "hello")
    await living.ask("alice", "!optout")
    await living.guild.react("alice", message_id, "\N{FIRE}")
    await living.ask(OWNER, f"!settings add excluded_channels <#{living.guild.channel_id()}>")
    await living.guild.react("carol", message_id, "\N{FIRE}")
    assert heard == []


async def test_a_menu_of_a_message_lives_as_long_as_its_plugin(living: Living, site: PluginSite) -> None:
    await ears(living, site)
    message_id = await living.guild.say("bob", "hello")
    [answer] = await living.guild.menu("alice", "Repeat this", message_id)
    assert answer.text == "bob: hello True"
    await living.app.host.swap("an_ear")
    await living.guild.menu("alice", "Repeat this", message_id)
    await living.app.host.unload("an_ear")
    assert living.app.bot.tree.get_command("Repeat this", type=discord.AppCommandType.message) is None
