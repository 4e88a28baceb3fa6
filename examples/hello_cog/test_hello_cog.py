"""The cog in a simulated Discord, without a host or a database."""

from __future__ import annotations

import discord
import simcord
from discord.ext import commands
from hello_cog import HelloCog

from wompbot_cogs import Context, Manifest
from wompbot_cogs.scope import Scope


async def test_whoever_asks_is_greeted() -> None:
    """A command is answered."""
    manifest = Manifest(id="hello", version="1", api=1, summary="Greets.")
    context = Context(manifest, Scope("hello", failed=print), capabilities={})
    bot = commands.Bot("!", intents=discord.Intents.all())
    await bot.add_cog(HelloCog(context))
    async with simcord.run(bot) as env:
        guild = env.create_guild()
        channel = guild.create_text_channel("general")
        alice = guild.add_member(env.create_user("alice"))
        await alice.send(channel, "!hello")
        assert channel.last_message.content == f"Hello, {alice.mention}!"
