"""What the claim filter is worth here, and what it learned."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context, Level, requires
from wompbot_cogs.cogs.claims import learning_texts as texts
from wompcore.claims import THRESHOLDS
from wompcore.text import clean_name

_LOWEST, _HIGHEST = 0.1, 0.95


class LearningCog(commands.Cog, name="Claim filter"):
    """How many claims are found, and what the filter learned; for bot admins."""

    def __init__(self, context: Context) -> None:
        self._learning = context.claims.learning
        self._guilds = context.guilds

    @commands.hybrid_group(fallback="show", invoke_without_command=True)
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def claimfilter(self, context: commands.Context[Any]) -> None:
        """Show how many of the claims made here are found, as far as it can be told."""
        assert context.guild is not None  # guild_only
        worth = await self._learning.worth(context.guild.id)
        embed = discord.Embed(title=texts.TITLE)
        embed.add_field(name=texts.RECALL, value=texts.recall(worth), inline=False)
        embed.add_field(name=texts.PRECISION, value=texts.precision(worth), inline=False)
        embed.add_field(name=texts.LEARNED, value=self._learned(context.guild.id), inline=False)
        embed.set_footer(text=texts.footer())
        await context.send(embed=embed, ephemeral=True)

    @claimfilter.command()
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def reset(self, context: commands.Context[Any]) -> None:
        """Forget what the filter learned here, and what its figures were counted from."""
        assert context.guild is not None  # guild_only
        count = await self._learning.reset(context.guild.id)
        await context.send(texts.RESET.format(count=count))

    @claimfilter.command()
    @app_commands.describe(value="standard, thorough, or a score from 0.1 to 0.95.")
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def threshold(self, context: commands.Context[Any], value: str) -> None:
        """Choose how sure the filter must be: standard, thorough, or a score."""
        assert context.guild is not None  # guild_only
        chosen = _threshold(value)
        await self._guilds.set(context.guild.id, "claims_threshold", chosen, by_id=context.author.id)
        await context.send(texts.THRESHOLD.format(value=chosen))

    def _learned(self, guild_id: int) -> str:
        if not self._guilds.setting(guild_id, "claims_learn"):
            return texts.OFF
        return texts.LIVE if self._learning.live(guild_id) else texts.SHIPPED


def _threshold(word: str) -> str | float:
    if word.lower() in THRESHOLDS:
        return word.lower()
    try:
        score = float(word)
    except ValueError:
        score = 0.0
    if not _LOWEST <= score <= _HIGHEST:  # nor is it when it is no number
        raise commands.BadArgument(
            texts.NOT_A_THRESHOLD.format(word=clean_name(word), low=_LOWEST, high=_HIGHEST)
        )
    return score
