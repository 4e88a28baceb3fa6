"""Quotes: saved by a reaction or from a message's menu, shown when asked."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import discord
from discord.ext import commands

from wompbot_cogs import Context
from wompbot_cogs.cogs.quotes import texts
from wompcore.claims import Mode
from wompcore.errors import QuoteRefused
from wompcore.events import ReactionChanged

_CLOUDS = frozenset({"\N{CLOUD}", "\N{CLOUD}\N{VARIATION SELECTOR-16}", "cloud"})  # a custom one has a name
_DONE = "\N{WHITE HEAVY CHECK MARK}"

_log = logging.getLogger(__name__)


class QuotesCog(commands.Cog, name="Quotes"):
    """What people here want kept of what somebody said."""

    def __init__(self, context: Context) -> None:
        self._quotes = context.quotes
        self._guilds = context.guilds
        self._messages = context.messages
        context.messages.watch_reactions(self._concerns, self._reacted)
        context.messages.watch_changes(self._quotes.edited, self._quotes.deleted)
        context.messages.menu(texts.MENU, self._save)

    @commands.hybrid_command()
    @commands.guild_only()
    async def quotes(self, context: commands.Context[Any], member: discord.Member | None = None) -> None:
        """Show the newest quotes, or those of a member."""
        assert context.guild is not None  # guild_only
        found = await self._quotes.page(context.guild.id, person_id=member.id if member else None)
        if not found.quotes:
            await context.send(texts.NONE_OF_THEIRS if member else texts.NONE)
            return
        embed = discord.Embed(title=texts.TITLE, description=texts.page(found))
        embed.set_footer(text=texts.TOTAL.format(shown=len(found.quotes), total=found.total))
        await context.send(embed=embed)

    @commands.hybrid_command()
    @commands.guild_only()
    async def qotd(self, context: commands.Context[Any], mode: Mode = "daily") -> None:
        """Show the quote of the day, the week, the month, of all time, or any."""
        assert context.guild is not None  # guild_only
        zone = self._guilds.zone(context.guild.id)
        quote = await self._quotes.of_the_day(context.guild.id, mode, zone)
        if quote is None:
            await context.send(texts.NONE_CHOSEN[mode])
            return
        around = await self._quotes.around(quote)
        embed = discord.Embed(
            title=texts.TITLES[mode], description=texts.quote(quote, around), url=texts.link(quote)
        )
        embed.set_footer(text=f"#{quote.id}")
        await context.send(embed=embed)

    def _concerns(self, message_id: int, emoji: str, person_id: int) -> bool:
        return emoji in _CLOUDS if emoji else message_id in self._quotes.tracked

    def _wanted(self, guild_id: int | None) -> bool:
        return bool(self._guilds.setting(guild_id, "quotes"))

    async def _reacted(self, reaction: ReactionChanged, message: discord.PartialMessage) -> None:
        if reaction.change != "added":
            await self._quotes.take_back(reaction.message_id, reaction.person_id)
        elif reaction.person_id is not None and not reaction.by_bot and self._wanted(reaction.guild_id):
            await self._save_for(reaction.person_id, message)

    async def _save_for(self, person_id: int, message: discord.PartialMessage) -> None:
        try:
            source = await message.fetch()
            new = await self._quotes.save(self._messages.read(source), person_id, by_reaction=True)
        except (discord.HTTPException, QuoteRefused) as error:  # nobody asked in words, so nobody is told
            _log.info("message %d is not quoted: %s", message.id, error)
            return
        if new:
            with suppress(discord.HTTPException):  # it counts without the mark, too
                await source.add_reaction(_DONE)

    async def _save(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        """Save a message from its menu."""
        if not self._wanted(interaction.guild_id):
            raise QuoteRefused(texts.SWITCHED_OFF)
        new = await self._quotes.save(self._messages.read(message), interaction.user.id, by_reaction=False)
        await interaction.response.send_message(texts.SAVED if new else texts.SAVED_TOO, ephemeral=True)
