"""What happens in Discord reaches the store and the plugins, and one plugin's failure is nobody else's."""

from __future__ import annotations

import discord
import pytest

from living_bot import OWNER, Living, Opener
from plugin_site import PluginSite
from wompbot_cogs.settings import BotSettings

RAISING = """
from discord.ext import commands
from wompbot_cogs import Plugin

def refuse(*what):
    raise ValueError("raised on purpose")

class Raising(commands.Cog):
    def __init__(self, context):
        context.messages.watch(refuse, self.heard)
        context.messages.watch_changes(refuse, refuse)
        context.messages.watch(lambda message: "task" in message.text, self.heard)

    async def heard(self, message, source):
        refuse()

    @commands.Cog.listener()
    async def on_message(self, message):
        refuse()

plugin = Plugin(Raising)
"""


async def test_a_plugin_that_raises_costs_nobody_a_message(living: Living, site: PluginSite) -> None:
    site.install("a_raising", RAISING, needs=["messages"])
    await living.app.host.load("a_raising")
    await living.app.host.swap("claims")  # so that others come before it and after it
    message_id = await living.guild.say("bob", "I guarantee that this task never fails before 2031")
    await living.guild.edit(message_id, "I guarantee that this task never fails before 2032")
    await living.app.core.claims.settled()
    assert living.app.core.claims.counts.fires == 1
    assert "2032" in str(await living.app.core.db.fetch_all("SELECT text FROM claims"))
    await living.guild.delete(message_id)
    assert await living.ask("alice", "wompbot, who are you?")
    assert living.app.host.errors == 2 + 1 + 2 + 3  # of the matcher, a task, changes and the listener


async def test_threads_of_an_excluded_channel_are_excluded_too(living: Living) -> None:
    await living.ask(OWNER, f"!settings add excluded_channels <#{living.guild.channel_id()}>")
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    thread = await channel.create_thread(name="aside", type=discord.ChannelType.public_thread)
    living.guild._world.backend.create_message(thread.id, living.guild.member("bob").id, "between us")
    await living.guild.say("bob", "between us as well")
    assert living.app.bot.flow.counts.seen == 3
    await living.app.core.messages.flush()
    assert await living.app.core.db.fetch_all("SELECT text FROM messages WHERE text LIKE 'between%'") == []


@pytest.mark.parametrize(("sees_content", "kept"), [(False, 1), (True, 2)])
async def test_what_discord_withholds_leaves_no_empty_row(
    open_bot: Opener, bot_settings: BotSettings, sees_content: bool, kept: int
) -> None:
    discord_settings = bot_settings.discord.model_copy(update={"message_content": sees_content})
    living = await open_bot(bot_settings.model_copy(update={"discord": discord_settings}))
    await living.guild.say("bob", "nothing for the bot")
    await living.guild.say("bob", f"<@{living.guild.bot_id}> who are you?")
    await living.app.core.messages.flush()
    rows = await living.app.core.db.fetch_all("SELECT text FROM messages WHERE NOT is_bot")
    assert len(rows) == kept
    assert ("",) not in rows


async def test_answers_in_an_excluded_channel_are_not_kept(living: Living) -> None:
    await living.ask(OWNER, f"!settings add excluded_channels <#{living.guild.channel_id()}>")
    assert await living.ask("alice", "wompbot, who are you?")
    await living.app.core.messages.flush()
    assert await living.app.core.db.fetch_value("SELECT count(*) FROM messages WHERE is_bot") == 0


@pytest.mark.parametrize("text", ["!receipts wompbot", "!spend @wompbot"])
async def test_a_command_that_names_the_bot_is_answered_once(living: Living, text: str) -> None:
    await living.ask("alice", text)
    assert len(living.guild.answers()) == 1
