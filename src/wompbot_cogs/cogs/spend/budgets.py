"""What may be spent: set by the owner, shown to those it concerns."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context, Level, requires
from wompbot_cogs.cogs.spend import budget_texts
from wompbot_cogs.cogs.spend.names import Names
from wompbot_cogs.cogs.spend.wanted import EACH, Scope, Window, wanted
from wompcore.repos.costs_budgets import Action, Unit
from wompcore.text import split_message
from wompcore.usage import Purpose

_CHOICES = 25


class BudgetFlags(commands.FlagConverter):
    """What a budget is made of."""

    scope: Scope = commands.flag(description="What it is for")
    amount: str | None = commands.flag(default=None, description="What may be spent, such as 5 or 0.25")
    key: str | None = commands.flag(
        default=None, description="Which one: an id, a mention or a name; * for each on its own"
    )
    window: Window = commands.flag(default="month", description="A rolling hour, a day, a month, or for ever")
    action: Action | None = commands.flag(
        default=None, description="Refuse calls beyond it (the default), ask a cheaper model, or only warn"
    )
    unit: Unit = commands.flag(default="usd", description="US dollars or tokens")
    background: str | None = commands.flag(
        default=None, description="Where calls that nobody waits for stop; lower than the amount"
    )
    step: str | None = commands.flag(default=None, description="Tell of every multiple of this too")
    zone: str = commands.flag(default="UTC", description="Whose days and months, such as Europe/Berlin")


class BudgetsCog(commands.Cog, name="Budgets"):
    """What may be spent."""

    def __init__(self, context: Context) -> None:
        self._budgets = context.costs.budgets
        self._consent = context.consent
        self._permissions = context.permissions

    @commands.hybrid_group(fallback="list", invoke_without_command=True)
    @requires(Level.BOT_ADMIN)
    async def budget(self, context: commands.Context[Any]) -> None:
        """List the budgets: your server's, or all of them to the owner."""
        private = context.interaction is not None or context.guild is None
        owner = self._permissions.level(context.author) >= Level.SUPER_ADMIN
        if owner and private:
            uses = await self._budgets.all()
        else:
            assert context.guild is not None  # without one nobody but the owner is an admin
            uses = await self._budgets.of_guild(context.guild.id, _channels(context.guild))
        names = Names(context, self._consent, owner=owner and private)
        for part in split_message(budget_texts.listing(uses, names)):
            await context.send(part, ephemeral=True)

    @budget.command(name="set")
    @requires(Level.SUPER_ADMIN)
    async def set_(self, context: commands.Context[Any], *, flags: BudgetFlags) -> None:
        """Set a budget, or change the one for the same thing, window, unit and action."""
        budget = wanted(
            flags.scope,
            flags.amount,
            key=flags.key,
            here=context.guild.id if context.guild else None,
            window=flags.window,
            unit=flags.unit,
            action=flags.action,
            background=flags.background,
            step=flags.step,
            zone=flags.zone,
        )
        await context.defer(ephemeral=True)
        kept = await self._budgets.set(budget)
        names = Names(context, self._consent, owner=True)
        await context.send(budget_texts.kept(kept, names), ephemeral=True)

    @budget.command()
    @requires(Level.SUPER_ADMIN)
    async def remove(self, context: commands.Context[Any], number: int) -> None:
        """Remove a budget."""
        removed = await self._budgets.remove(budget_texts.number(number))
        text = budget_texts.REMOVED if removed else budget_texts.UNKNOWN
        await context.send(text.format(number=number), ephemeral=True)

    @budget.command()
    @requires(Level.SUPER_ADMIN)
    async def lift(self, context: commands.Context[Any], number: int) -> None:
        """Open a budget again that a call above its reservation closed."""
        lifted = await self._budgets.lift(budget_texts.number(number))
        text = budget_texts.LIFTED if lifted else budget_texts.NOT_CLOSED
        await context.send(text.format(number=number), ephemeral=True)

    @set_.autocomplete("key")
    async def keys(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """Offer what a scope has a short list of, to the owner."""
        if self._permissions.level(interaction.user) < Level.SUPER_ADMIN:
            return []
        scope = getattr(interaction.namespace, "scope", None)
        found = (
            [(purpose.replace("_", " "), purpose.value) for purpose in Purpose] if scope == "purpose" else []
        )
        if scope == "guild":
            found = [(guild.name, str(guild.id)) for guild in interaction.client.guilds]
        if scope not in (None, "everything"):
            found.append((f"each {scope} on its own", EACH))
        fitting = [one for one in found if typed.lower() in one[0].lower()]
        return [app_commands.Choice(name=name[:100], value=value) for name, value in fitting[:_CHOICES]]

    @remove.autocomplete("number")
    @lift.autocomplete("number")
    async def numbers(
        self, interaction: discord.Interaction[Any], typed: str
    ) -> list[app_commands.Choice[int]]:
        """Offer the budgets, to the owner."""
        if self._permissions.level(interaction.user) < Level.SUPER_ADMIN:
            return []
        context = await commands.Context.from_interaction(interaction)
        names = Names(context, self._consent, owner=True)
        offered = [budget_texts.choice(use.budget, names) for use in await self._budgets.all(limit=0)]
        fitting = [choice for choice in offered if typed.lower() in choice.name.lower()]
        return fitting[:_CHOICES]


def _channels(guild: discord.Guild) -> list[int]:
    return [channel.id for channel in (*guild.channels, *guild.threads)]
