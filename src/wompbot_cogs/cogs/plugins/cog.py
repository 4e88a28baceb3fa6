"""The owner's hand on the plugins."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context, Health, Level, requires
from wompbot_cogs.cogs.plugins import texts
from wompcore.errors import WompError

_CHOICES = 25


class PluginsCog(commands.Cog, name="Plugins"):
    """Plugins come and go while the bot runs."""

    def __init__(self, context: Context) -> None:
        self._hooks = context.hooks
        self._host = context.plugins
        self._permissions = context.permissions

    @commands.hybrid_group(aliases=["cogs"], fallback="list", invoke_without_command=True)
    async def plugins(self, context: commands.Context[Any]) -> None:
        """List the plugins and how they are doing."""
        private = context.interaction is not None or context.guild is None
        problems = private and self._is_owner(context.author)  # they may name paths of the machine
        text = texts.listing(await self._host.look(), problems=problems)
        if problems:
            text += texts.details(
                self._host.receipts(), await self._host.processes(), self._host.slash_problem()
            )
        await context.send(texts.bounded(text), ephemeral=True)

    @plugins.command()
    @requires(Level.SUPER_ADMIN)
    async def load(self, context: commands.Context[Any], plugin: str) -> None:
        """Load a plugin that is installed."""
        async with _telling_refusals(context):
            state = await self._host.load(plugin, by_id=context.author.id)
            await context.send(texts.LOADED.format(id=plugin, version=state.version))

    @plugins.command(aliases=["reload"])
    @requires(Level.SUPER_ADMIN)
    async def swap(self, context: commands.Context[Any], plugin: str) -> None:
        """Put a plugin's newest version in the place of the one that runs."""
        async with _telling_refusals(context):
            state = await self._host.swap(plugin, by_id=context.author.id)
            await context.send(texts.SWAPPED.format(id=plugin, version=state.version))

    @plugins.command()
    @requires(Level.SUPER_ADMIN)
    async def unload(self, context: commands.Context[Any], plugin: str) -> None:
        """Unload a plugin; it stays so after a restart."""
        async with _telling_refusals(context):
            await self._host.unload(plugin, by_id=context.author.id)
            await context.send(texts.UNLOADED.format(id=plugin))

    @plugins.command()
    @requires(Level.SUPER_ADMIN)
    async def quarantine(
        self, context: commands.Context[Any], plugin: str, *, reason: str = "by hand"
    ) -> None:
        """Take a plugin out until you release it."""
        async with _telling_refusals(context):
            await self._host.quarantine(plugin, reason, by_id=context.author.id)
            await context.send(texts.QUARANTINED.format(id=plugin))

    @plugins.command()
    @requires(Level.SUPER_ADMIN)
    async def release(self, context: commands.Context[Any], plugin: str) -> None:
        """Load a plugin that is in quarantine."""
        async with _telling_refusals(context):
            state = await self._host.release(plugin, by_id=context.author.id)
            await context.send(texts.LOADED.format(id=plugin, version=state.version))

    @plugins.command()
    @requires(Level.SUPER_ADMIN)
    async def grant(self, context: commands.Context[Any], plugin: str, capability: str) -> None:
        """Let a plugin use what only you can give."""
        async with _telling_refusals(context):
            await self._host.grant(plugin, capability, by_id=context.author.id)
            await context.send(texts.GRANTED.format(id=plugin, capability=capability))

    @plugins.command()
    @requires(Level.SUPER_ADMIN)
    async def withdraw(self, context: commands.Context[Any], plugin: str, capability: str) -> None:
        """Take back what you let a plugin use."""
        async with _telling_refusals(context):
            await self._host.withdraw(plugin, capability, by_id=context.author.id)
            await context.send(texts.WITHDRAWN.format(id=plugin, capability=capability))

    @plugins.command()
    @requires(Level.SUPER_ADMIN)
    async def health(self, context: commands.Context[Any]) -> None:
        """Ask the plugins how they are."""
        async with _telling_refusals(context):
            healths = await self._hooks.health()
            unwell = {
                state.id: Health(False, state.problem) for state in self._host.states() if state.problem
            }
            await context.send(texts.healths(healths | unwell))

    @load.autocomplete("plugin")
    @swap.autocomplete("plugin")
    @unload.autocomplete("plugin")
    @quarantine.autocomplete("plugin")
    @release.autocomplete("plugin")
    @grant.autocomplete("plugin")
    @withdraw.autocomplete("plugin")
    async def ids(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """Offer the ids of plugins, to the owner."""
        if not self._is_owner(interaction.user):
            return []
        fitting = [state.id for state in self._host.states() if typed.lower() in state.id]
        return [app_commands.Choice(name=plugin, value=plugin) for plugin in fitting[:_CHOICES]]

    def _is_owner(self, person: discord.abc.User) -> bool:
        return self._permissions.level(person) >= Level.SUPER_ADMIN


@asynccontextmanager
async def _telling_refusals(context: commands.Context[Any]) -> AsyncIterator[None]:
    """Answer with one line when the host refuses."""
    await context.defer()
    try:
        yield
    except WompError as error:
        await context.send(texts.refused(error))
