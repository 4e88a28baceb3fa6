"""Opting out and in."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context
from wompbot_cogs.cogs.privacy import texts
from wompcore.consent import POLICY
from wompcore.errors import DatabaseError


class PrivacyCog(commands.Cog, name="Privacy"):
    """What is kept of what you write is your decision."""

    def __init__(self, context: Context) -> None:
        self._consent = context.consent

    @commands.hybrid_command()
    async def optout(self, context: commands.Context[Any]) -> None:
        """Stop storing and analysing what you write."""
        await self._decide(context, self._withdraw)

    @commands.hybrid_command()
    async def optin(self, context: commands.Context[Any]) -> None:
        """Store and analyse what you write from now on."""
        await self._decide(context, self._grant)

    @app_commands.command(name="wompbot_optout")
    async def wompbot_optout(self, interaction: discord.Interaction[Any]) -> None:
        """Stop storing and analysing what you write."""
        await self._decide(await commands.Context.from_interaction(interaction), self._withdraw)

    @app_commands.command(name="wompbot_optin")
    async def wompbot_optin(self, interaction: discord.Interaction[Any]) -> None:
        """Store and analyse what you write from now on."""
        await self._decide(await commands.Context.from_interaction(interaction), self._grant)

    async def _decide(self, context: commands.Context[Any], decide: Callable[[int], Awaitable[str]]) -> None:
        # A decision counts even when Discord no longer takes the answer.
        with suppress(discord.HTTPException):
            await context.defer(ephemeral=True)
        await context.send(await decide(context.author.id), ephemeral=True)

    async def _withdraw(self, person_id: int) -> str:
        try:
            changed = await self._consent.withdraw(person_id, method="command")
        except DatabaseError:
            return texts.UNCHANGED
        return texts.OPTED_OUT if changed else texts.ALREADY_OUT

    async def _grant(self, person_id: int) -> str:
        try:
            changed = await self._consent.grant(person_id, method="command")
        except DatabaseError:
            return texts.UNCHANGED
        return texts.OPTED_IN.format(policy=POLICY) if changed else texts.ALREADY_IN
