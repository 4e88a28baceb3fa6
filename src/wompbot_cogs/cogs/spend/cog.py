"""What was spent, shown to those it concerns."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from dataclasses import replace
from typing import Any

from discord.ext import commands

from wompbot_cogs import Context, Level
from wompbot_cogs.cogs.spend import texts
from wompcore.costs import MonthReport


class SpendCog(commands.Cog, name="Spending"):
    """What the model costs."""

    def __init__(self, context: Context) -> None:
        self._costs = context.costs.report
        self._consent = context.consent
        self._permissions = context.permissions

    @commands.hybrid_command()
    async def spend(self, context: commands.Context[Any]) -> None:
        """Show this month's spending: yours, your server's to its admins, all of it to the owner."""
        private = context.interaction is not None or context.guild is None
        report, where = await self._report(context, private=private)

        def guild(guild_id: str) -> str:
            known = context.bot.get_guild(int(guild_id))
            return texts.plain(known.name) if known else f"`{guild_id}`"

        text = texts.spending(report, where, person=self._person, guild=guild)
        await context.send(text, ephemeral=True)

    async def _report(self, context: commands.Context[Any], *, private: bool) -> tuple[MonthReport, str]:
        """Return what the asker may see; where everybody reads along, nobody's own spending."""
        level = self._permissions.level(context.author)
        if level >= Level.SUPER_ADMIN and private:
            return await self._costs.of_guild(), texts.EVERYWHERE
        if context.guild is None:
            return await self._costs.of_person(context.author.id), texts.YOU
        if level >= Level.BOT_ADMIN:
            report = await self._costs.of_guild(context.guild.id)
            return (report if private else replace(report, people=())), texts.THIS_SERVER
        return await self._costs.of_person(context.author.id, context.guild.id), texts.YOU_HERE

    def _person(self, person_id: str) -> str:
        return texts.OPTED_OUT if self._consent.refuses(int(person_id)) else f"<@{person_id}>"
