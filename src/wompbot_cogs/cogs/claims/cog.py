"""Claims: offered to the watcher as they are said, shown and ruled on when asked."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from typing import Any, Literal

import discord
from discord.ext import commands

from wompbot_cogs import Context, Level, requires
from wompbot_cogs.cogs.claims import texts
from wompbot_cogs.cogs.claims.pages import WORDS_CHARS, PageButton, Question, buttons
from wompcore.events import ChatMessage
from wompcore.ids import MAX_ID
from wompcore.repos.receipts import Receipts

_PAGE = 10


class ClaimsCog(commands.Cog, name="Claims"):
    """What people claimed, and how it turned out."""

    def __init__(self, context: Context) -> None:
        self._claims = context.claims
        self._guilds = context.guilds
        context.messages.watch(self._offer, _nothing_more)
        context.messages.watch_changes(self._claims.edited, self._claims.deleted)
        context.add_buttons(PageButton)

    @commands.hybrid_command(aliases=["claims"])
    @commands.guild_only()
    async def receipts(
        self, context: commands.Context[Any], member: discord.Member | None = None, *, keyword: str = ""
    ) -> None:
        """Show what was claimed here, by a member or with words in it."""
        assert context.guild is not None  # guild_only
        words = " ".join(keyword.split())
        if len(words) > WORDS_CHARS:
            raise commands.BadArgument(texts.TOO_MUCH.format(limit=WORDS_CHARS))
        question = Question(member.id if member else 0, words)
        found = await self._find(context.guild.id, question)
        if not found.claims:
            await context.send(texts.NONE_FITS if member or words else texts.NONE)
        elif view := buttons(question, found):
            await context.send(embed=_page(found), view=view)
        else:
            await context.send(embed=_page(found))

    async def turn(self, interaction: discord.Interaction[Any], question: Question) -> None:
        """Show another page of receipts in the place of the one whose button was pressed."""
        found = await self._find(interaction.guild_id or 0, question)
        if not found.claims:  # they went meanwhile
            question = Question(question.person_id, question.words)
            found = await self._find(interaction.guild_id or 0, question)
        if found.claims:
            await interaction.response.edit_message(embed=_page(found), view=buttons(question, found))
        else:
            await interaction.response.edit_message(content=texts.NONE_FITS, embed=None, view=None)

    @commands.hybrid_command()
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

    async def _find(self, guild_id: int, question: Question) -> Receipts:
        back = question.way == "newer"
        return await self._claims.receipts.page(
            guild_id,
            person_id=question.person_id or None,
            words=question.words,
            before_id=None if back or question.start == MAX_ID else question.start,
            after_id=question.start if back else None,
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


def _number(claim: str) -> int:
    """Return the number of a claim, written as it is shown (``#12``) or bare."""
    digits = claim.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and int(digits) <= MAX_ID):
        raise commands.BadArgument(texts.NOT_A_NUMBER.format(word=claim))
    return int(digits)
