"""A plugin that does not ask for message content is told nothing that people write."""

from __future__ import annotations

import pytest

from living_bot import Living
from plugin_site import PluginSite
from wompbot_cogs.errors import NotGranted, PluginError

PEEKER = """
from discord.ext import commands
from wompbot_cogs import Plugin, hookimpl

class Peeker(commands.Cog):
    def __init__(self, context):
        self.context = context
{body}

plugin = Plugin(Peeker)
"""
LISTENER = """
    @commands.Cog.listener()
    async def {event}(self, *_): ...
"""
HOOK = """
    @hookimpl
    def {hook}(self): ...
"""
WAYS = {
    "the event on_message": LISTENER.replace("{event}", "on_message"),
    "the event on_raw_message_edit": LISTENER.replace("{event}", "on_raw_message_edit"),
    "the event on_reaction_add": LISTENER.replace("{event}", "on_reaction_add"),
    "hook 'messages_seen'": HOOK.replace("{hook}", "messages_seen"),
    "hook 'before_reply'": HOOK.replace("{hook}", "before_reply"),
    "hook 'claims_found'": HOOK.replace("{hook}", "claims_found"),
    "messages.watch": "        context.messages.watch(lambda message: True, print)",
    "messages.watch_changes": "        context.messages.watch_changes(print, print)",
    "memory": "        context.memory",
}


async def test_every_way_to_what_people_write_is_refused_with_the_remedy(
    living: Living, site: PluginSite
) -> None:
    for way, body in WAYS.items():
        needs = ["claims", "memory", "messages"]
        site.install("peeker", PEEKER.replace("{body}", body), needs=needs, content=False)
        with pytest.raises(PluginError, match=way) as refused:
            await living.app.host.load("peeker")
        assert isinstance(refused.value, NotGranted)
        assert "message_content = true" in refused.value.hint
        site.install("peeker", PEEKER.replace("{body}", body), needs=needs)
        await living.app.host.load("peeker")
        await living.app.host.unload("peeker")


async def test_a_command_may_not_add_a_listener_or_wait_for_messages(
    living: Living, site: PluginSite
) -> None:
    body = """
    @commands.command()
    async def peek(self, context, how):
        async def on_message(message): ...
        if how == "listen":
            context.bot.add_listener(on_message)
        else:
            await context.bot.wait_for("message")

    @commands.command()
    async def read(self, context):
        await context.send(f"read <{self.context.messages.read(context.message).text}>")
"""
    site.install("peeker", PEEKER.replace("{body}", body), needs=["messages"], content=False)
    await living.app.host.load("peeker")
    for how in ("listen", "wait"):
        assert "tells what people write" in await living.ask("alice", f"!peek {how}")
    assert await living.ask("alice", "!read") == "read <>"


async def test_memory_is_that_of_one_server_without_excluded_channels(
    living: Living, site: PluginSite
) -> None:
    body = """
    @commands.command()
    async def recall(self, context, *, words):
        found = await self.context.memory.search(words, guild_id=context.guild.id)
        recent = await self.context.memory.recent(context.channel.id, 1)
        await context.send(f"{[m.text for m in found]} {len(recent)}")
"""
    site.install("peeker", PEEKER.replace("{body}", body), needs=["memory"])
    await living.app.host.load("peeker")
    for name, text in {"alice": "the swans are white", "bob": "black swans too", "carol": "geese"}.items():
        await living.guild.say(name, text)
    await living.app.core.messages.flush()
    assert await living.ask("dave", "!recall swans -black") == "['the swans are white'] 1"
    await living.ask("alice", "!optout")
    assert "white" not in await living.ask("dave", "!recall swans")
    guild, channel = living.guild.id, living.guild.channel_id()
    await living.app.guilds.set(guild, "excluded_channels", [channel], by_id=1)
    assert await living.ask("dave", "!recall swans") == "[] 0"
