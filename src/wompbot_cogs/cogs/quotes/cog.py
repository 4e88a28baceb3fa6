"""Quotes: saved by a reaction or from a message's menu, shown when asked."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context, PageButton, Turn, open_to, page_buttons, whose_and_what
from wompbot_cogs.cogs.quotes import texts
from wompcore.claims import Mode
from wompcore.errors import QuoteRefused
from wompcore.events import ReactionChanged
from wompcore.repos.quotes import Quotations

_CLOUDS = ("\N{CLOUD}", "\N{CLOUD}\N{VARIATION SELECTOR-16}", "cloud")  # a custom one has a name
_CLEARED = ""
_DONE = "\N{WHITE HEAVY CHECK MARK}"

_WORDS_CHARS = 40  # a button's id holds them

_log = logging.getLogger(__name__)


class QuoteButton(PageButton, template=PageButton.ids("quotes")):
    """Leads to older or newer quotes."""

    list_name, cog_name = "quotes", "Quotes"


class QuotesCog(commands.Cog, name="Quotes"):
    """What people here want kept of what somebody said."""

    def __init__(self, context: Context) -> None:
        self._quotes = context.quotes
        self._guilds = context.guilds
        self._messages = context.messages
        context.messages.watch_reactions(self._reacted, emoji=(*_CLOUDS, _CLEARED))
        context.messages.watch_changes(self._quotes.edited, self._quotes.deleted)
        context.messages.menu(texts.MENU, self._save)
        context.add_buttons(QuoteButton)

    @commands.hybrid_command()
    @app_commands.describe(member="Whose quotes.", keyword="Words in them.")
    @commands.guild_only()
    async def quotes(
        self, context: commands.Context[Any], member: discord.Member | None = None, *, keyword: str = ""
    ) -> None:
        """Show the newest quotes, of a member or with words in them."""
        assert context.guild is not None  # guild_only
        person_id, words = whose_and_what(member, keyword)
        if len(words) > _WORDS_CHARS:
            raise commands.BadArgument(texts.TOO_MUCH.format(limit=_WORDS_CHARS))
        about = f"{person_id}:{words}"
        found = await self._find(context.guild.id, Turn(about))
        if not found.quotes:
            await context.send(texts.none(of_member=bool(person_id), with_words=bool(words)))
        elif view := _buttons(about, found):
            await context.send(embed=_page(found), view=view)
        else:
            await context.send(embed=_page(found))

    async def turn(self, interaction: discord.Interaction[Any], turn: Turn) -> None:
        """Show another page of quotes in the place of the one whose button was pressed."""
        guild_id = interaction.guild_id or 0
        found = await self._find(guild_id, turn)
        if not found.quotes:  # they went meanwhile
            found = await self._find(guild_id, Turn(turn.about))
        if found.quotes:
            view = _buttons(turn.about, found)
            await interaction.response.edit_message(embed=_page(found), view=view)
        else:
            await interaction.response.edit_message(content=texts.NONE_LEFT, embed=None, view=None)

    @commands.hybrid_command()
    @app_commands.describe(mode="Of which time, or how it is chosen; the day when left out.")
    @commands.guild_only()
    async def qotd(self, context: commands.Context[Any], mode: Mode = "daily") -> None:
        """Show the quote of the day, the week, the month, of all time, or any."""
        assert context.guild is not None  # guild_only
        zone = self._guilds.zone(context.guild.id)
        quote = await self._quotes.of_the_day(context.guild.id, mode, zone)
        if quote is None:
            await context.send(texts.NONE_CHOSEN[mode])
            return
        shown = open_to(quote.channel_id, context.channel, context.guild)
        around = await self._quotes.around(quote) if shown else []
        embed = discord.Embed(
            title=texts.TITLES[mode], description=texts.quote(quote, around), url=texts.link(quote)
        )
        embed.set_footer(text=f"#{quote.id}")
        await context.send(embed=embed)

    async def _find(self, guild_id: int, turn: Turn) -> Quotations:
        person_id, _, words = turn.about.partition(":")
        return await self._quotes.page(
            guild_id,
            person_id=int(person_id) or None,
            words=words,
            before_id=turn.before_id,
            after_id=turn.after_id,
        )

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


def _page(found: Quotations) -> discord.Embed:
    embed = discord.Embed(title=texts.TITLE, description=texts.page(found))
    embed.set_footer(text=texts.TOTAL.format(shown=len(found.quotes), total=found.total))
    return embed


def _buttons(about: str, found: Quotations) -> discord.ui.View | None:
    return page_buttons(
        QuoteButton,
        Turn(about, "newer", found.quotes[0].id) if found.newer else None,
        Turn(about, "older", found.quotes[-1].id) if found.older else None,
    )
