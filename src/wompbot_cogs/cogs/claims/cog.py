"""Claims: offered to the watcher as they are said, shown and ruled on when asked."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

import re
from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context, Level, PageButton, Turn, open_to, page_buttons, requires, whose_and_what
from wompbot_cogs.cogs.claims import texts
from wompcore.events import ChatMessage
from wompcore.ids import MAX_ID
from wompcore.repos.receipts import Receipts

_PAGE = 10
_WORDS_CHARS = 40  # a button's id holds them
_NUMBER = re.compile(r"#(\d{1,19})", re.ASCII)


class ReceiptButton(PageButton, template=PageButton.ids("receipts")):
    """Leads to older or newer receipts."""

    list_name, cog_name = "receipts", "Claims"


class ClaimsCog(commands.Cog, name="Claims"):
    """What people claimed, and how it turned out."""

    def __init__(self, context: Context) -> None:
        self._claims = context.claims
        self._guilds = context.guilds
        context.messages.watch(self._offer, _nothing_more)
        context.messages.watch_changes(self._claims.edited, self._claims.deleted)
        context.add_buttons(ReceiptButton)

    @commands.hybrid_command(aliases=["claims"])
    @app_commands.describe(member="Whose claims.", keyword="Words in them, or the #number of one claim.")
    @commands.guild_only()
    async def receipts(
        self, context: commands.Context[Any], member: discord.Member | None = None, *, keyword: str = ""
    ) -> None:
        """Show what was claimed here, by a member or with words in it, or one claim by its #number."""
        assert context.guild is not None  # guild_only
        person_id, words = whose_and_what(member, keyword)
        if not person_id and (number := _NUMBER.fullmatch(words)):
            await self._show_one(context, context.guild, min(int(number[1]), MAX_ID))
            return
        if len(words) > _WORDS_CHARS:
            raise commands.BadArgument(texts.TOO_MUCH.format(limit=_WORDS_CHARS))
        about = f"{person_id}:{words}"
        found = await self._find(context.guild.id, Turn(about))
        if not found.claims:
            await context.send(texts.NONE_FITS if person_id or words else texts.NONE)
        elif view := _buttons(about, found):
            await context.send(embed=_page(found), view=view)
        else:
            await context.send(embed=_page(found))

    async def turn(self, interaction: discord.Interaction[Any], turn: Turn) -> None:
        """Show another page of receipts in the place of the one whose button was pressed."""
        guild_id = interaction.guild_id or 0
        found = await self._find(guild_id, turn)
        if not found.claims:  # they went meanwhile
            found = await self._find(guild_id, Turn(turn.about))
        if found.claims:
            view = _buttons(turn.about, found)
            await interaction.response.edit_message(embed=_page(found), view=view)
        else:
            await interaction.response.edit_message(content=texts.NONE_FITS, embed=None, view=None)

    @commands.hybrid_command()
    @app_commands.describe(claim="Its #number.", ruling="How it turned out.", notes="Why.")
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def verify(
        self,
        context: commands.Context[Any],
        claim: str,
        ruling: Literal["true", "false", "mixed", "outdated"],
        *,
        notes: str = "",
    ) -> None:
        """Rule on a claim that somebody else made."""
        assert context.guild is not None  # guild_only
        ruled = await self._claims.receipts.rule(
            context.guild.id,
            _number(claim),
            ruling,
            by_id=context.author.id,
            at=context.message.created_at,
            notes=notes,
        )
        await context.send(texts.ruled(ruled))

    async def _show_one(self, context: commands.Context[Any], guild: discord.Guild, claim_id: int) -> None:
        """Show a claim, and what others said before it where they may be heard."""
        claim = await self._claims.receipts.by_id(guild.id, claim_id)
        shown = open_to(claim.channel_id, context.channel, guild)
        said_before = await self._claims.receipts.said_before(claim.id) if shown else []
        embed = discord.Embed(
            title=texts.ONE.format(id=claim.id),
            description=texts.receipt(claim, said_before),
            url=texts.link(claim),
        )
        await context.send(embed=embed)

    async def _find(self, guild_id: int, turn: Turn) -> Receipts:
        person_id, _, words = turn.about.partition(":")
        return await self._claims.receipts.page(
            guild_id,
            person_id=int(person_id) or None,
            words=words,
            before_id=turn.before_id,
            after_id=turn.after_id,
            limit=_PAGE,
        )

    def _offer(self, message: ChatMessage) -> bool:
        """Hand a message to the watcher, which works in the background on its own."""
        if self._guilds.setting(message.guild_id, "claims"):
            self._claims.offer(
                message,
                threshold=self._guilds.setting(message.guild_id, "claims_threshold"),
                zone=self._guilds.zone(message.guild_id or 0),
                learns=self._guilds.setting(message.guild_id, "claims_learn"),
            )
        return False


async def _nothing_more(message: ChatMessage, source: discord.Message) -> None:
    """Follow a match; there is none."""


def _page(found: Receipts) -> discord.Embed:
    embed = discord.Embed(title=texts.TITLE, description=texts.receipts(found))
    embed.set_footer(text=texts.TOTAL.format(shown=len(found.claims), total=found.total))
    return embed


def _buttons(about: str, found: Receipts) -> discord.ui.View | None:
    return page_buttons(
        ReceiptButton,
        Turn(about, "newer", found.claims[0].id) if found.newer else None,
        Turn(about, "older", found.claims[-1].id) if found.older else None,
    )


def _number(claim: str) -> int:
    """Return the number of a claim, written as it is shown (``#12``) or bare."""
    digits = claim.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and int(digits) <= MAX_ID):
        raise commands.BadArgument(texts.NOT_A_NUMBER.format(word=claim))
    return int(digits)
