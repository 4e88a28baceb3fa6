"""Contradictions: looked for where a server wants it, shown when asked, told to those who wish to know."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context, hookimpl
from wompbot_cogs.cogs.claims import texts
from wompcore.claims import FoundClaim
from wompcore.errors import BudgetExceeded, DatabaseError, ModelError, UnknownPrice
from wompcore.repos.contradictions import Contradiction

_SHOWN = 5


class ContradictionsCog(commands.Cog, name="Contradictions"):
    """Claims of a person that do not go together."""

    def __init__(self, context: Context) -> None:
        self._contradictions = context.claims.contradictions
        self._guilds = context.guilds
        self._messages = context.messages
        self._spawn = context.spawn
        self._log = context.log

    @hookimpl
    def claims_found(self, claims: Sequence[FoundClaim]) -> None:
        """Compare new claims with older ones, where the server wants it."""
        wanted = [each for each in claims if self._guilds.setting(each.message.guild_id, "contradictions")]
        if wanted:
            self._spawn(self._compare(wanted))

    @commands.hybrid_command()
    @app_commands.describe(member="Whose claims; yours when left out.")
    @commands.guild_only()
    async def contradictions(
        self, context: commands.Context[Any], member: discord.Member | None = None
    ) -> None:
        """Show claims of a member, or your own, that do not go together."""
        assert context.guild is not None  # guild_only
        about = member or context.author
        found = await self._contradictions.book.found(context.guild.id, person_id=about.id, limit=_SHOWN)
        if found:
            await context.send(embed=_embed(found))
        elif self._guilds.setting(context.guild.id, "contradictions"):
            await context.send(texts.NO_CONTRADICTION)
        else:
            await context.send(texts.CONTRADICTIONS_OFF)

    @commands.hybrid_command()
    @app_commands.describe(answer="Whether you want to be told.")
    @commands.guild_only()
    async def tell_contradictions(self, context: commands.Context[Any], answer: Literal["on", "off"]) -> None:
        """Be told here, or not, when a new claim of yours contradicts an older one."""
        assert context.guild is not None  # guild_only
        book, person_id = self._contradictions.book, context.author.id
        if answer == "on":
            await book.listen(context.guild.id, person_id, context.message.created_at)
            await context.send(texts.TELLING, ephemeral=True)
        else:
            await book.unlisten(context.guild.id, person_id)
            await context.send(texts.NOT_TELLING, ephemeral=True)

    async def _compare(self, claims: Sequence[FoundClaim]) -> None:
        for claim in claims:
            try:
                if found := await self._contradictions.check(claim):
                    await self._tell(claim, found)
            except BudgetExceeded as error:
                self._log.info("claim of message %d is not compared: %s", claim.message.id, error)
            except (DatabaseError, ModelError, UnknownPrice) as error:
                self._log.warning("comparing the claim of message %d failed: %s", claim.message.id, error)
            except discord.HTTPException as error:
                self._log.info("nobody is told of message %d: %s", claim.message.id, error)

    async def _tell(self, claim: FoundClaim, found: Contradiction) -> None:
        """Tell the author, below the message, if they asked for it."""
        message = claim.message
        guild_id = message.guild_id or 0
        if await self._contradictions.book.may_tell(guild_id, message.author_id, message.at):
            await self._messages.at(message).reply(embed=_embed([found]), mention_author=False)


def _embed(found: Sequence[Contradiction]) -> discord.Embed:
    return discord.Embed(title=texts.CONTRADICTIONS, description=texts.contradictions(found))
