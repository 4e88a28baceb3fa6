"""Who may do what, and who decides that."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from typing import Any

import discord
from discord.ext import commands

from wompbot_cogs import Context, Level, requires
from wompbot_cogs.cogs.admin import texts


class AdminsCog(commands.Cog, name="Admins"):
    """Bot admins of this server."""

    def __init__(self, context: Context) -> None:
        self._guilds = context.guilds
        self._permissions = context.permissions

    @commands.hybrid_command()
    async def whoami(self, context: commands.Context[Any]) -> None:
        """Show who you are to the bot and what you may do."""
        level = self._permissions.level(context.author)
        await context.send(texts.who(context.author, level), ephemeral=True)

    @commands.hybrid_command()
    @commands.guild_only()
    async def admins(self, context: commands.Context[Any]) -> None:
        """Show the admins of this server."""
        assert context.guild is not None  # guild_only
        bot_admins = self._guilds.admins(context.guild.id)
        await context.send(texts.admins(self._permissions.super_admins, bot_admins))

    @commands.hybrid_command()
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def setadmin(self, context: commands.Context[Any], member: discord.Member) -> None:
        """Make a member a bot admin of this server."""
        if member.bot:
            await context.send(texts.NO_BOTS)
            return
        added = await self._guilds.add_admin(member.guild.id, member.id, by_id=context.author.id)
        text = texts.ADDED if added else texts.ALREADY
        await context.send(text.format(mention=member.mention))

    @commands.hybrid_command()
    @commands.guild_only()
    @requires(Level.OWNER)
    async def removeadmin(self, context: commands.Context[Any], person: discord.User) -> None:
        """Dismiss a bot admin of this server."""
        assert context.guild is not None  # guild_only
        if person.id in self._permissions.super_admins:
            text = texts.SUPER_ADMINS_STAY
        elif await self._guilds.remove_admin(context.guild.id, person.id):
            text = texts.REMOVED
        else:
            text = texts.WAS_NOT
        await context.send(text.format(mention=person.mention))
