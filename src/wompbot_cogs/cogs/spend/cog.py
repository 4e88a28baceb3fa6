"""What was spent, shown to those it concerns."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Literal, cast

import discord
from discord.ext import commands

from wompbot_cogs import Context, Level, requires
from wompbot_cogs.cogs.spend import chart, texts
from wompbot_cogs.cogs.spend.names import Names
from wompcore.costs import EVERYWHERE, MonthReport, month_named
from wompcore.text import PART_BYTES, parts_of

_SHORT, _LONG = 5, 15
_LARGEST_TABLE = 200_000_000  # some 1,300,000 calls; packed, a handful of files
_IN_MEMORY = 1024 * 1024

By = Literal["person", "server", "channel", "purpose", "model", "plugin", "day"]


class SpendCog(commands.Cog, name="Spending"):
    """What the model costs."""

    def __init__(self, context: Context) -> None:
        self._costs = context.costs
        self._consent = context.consent
        self._permissions = context.permissions
        self._one_at_a_time = asyncio.Lock()  # a picture takes a core, an export a connection

    @commands.hybrid_group(fallback="month", invoke_without_command=True)
    async def spend(self, context: commands.Context[Any], by: By | None = None) -> None:
        """Show this month's spending: yours, your server's to its admins, all of it to the owner."""
        await context.defer(ephemeral=True)
        private = _is_private(context)
        if by in texts.PRIVATE and not private:
            raise commands.BadArgument(texts.NOT_HERE.format(by=by))
        limit = _LONG if by else _SHORT
        report, where = await self._report(context, private=private, limit=limit)
        names = Names(context, self._consent, owner=self._is_owner(context))
        text = texts.spending(report, where, names, by=by, limit=limit)
        if self._is_owner(context) and private and (untold := await self._costs.untold()):
            await context.send(texts.untold(untold), ephemeral=True)
        if not report.days:
            await context.send(text, ephemeral=True)
        elif not chart.can_draw():
            hint = f"\n{texts.NO_PICTURES}" if self._is_owner(context) else ""
            await context.send(text + hint, ephemeral=True)
        else:
            if by == "person":
                await names.learn(person.key for person in report.people)
            picture = texts.picture(report, where, names, self._costs.report.now(), by=by, limit=limit)
            await context.send(text, file=await self._drawn(picture), ephemeral=True)

    @spend.command()
    @requires(Level.BOT_ADMIN)
    async def export(self, context: commands.Context[Any], month: str | None = None) -> None:
        """Send every call of a month as a table (CSV): your server's, or all of them to the owner."""
        if not _is_private(context):
            raise commands.BadArgument(texts.EXPORT_NOT_HERE)
        at = month_named(month.strip()) if month else self._costs.report.now()
        guild_id = EVERYWHERE if self._is_owner(context) else _guild_id(context)
        await context.defer(ephemeral=True)
        async with self._one_at_a_time:
            with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
                lines = self._costs.export.csv(at, guild_id=guild_id, hides=self._consent.refuses)
                await write(lines, cast(BinaryIO, file), most=_LARGEST_TABLE)
                limit = min(PART_BYTES, context.filesize_limit)
                parts = parts_of(cast(BinaryIO, file), f"costs-{at:%Y-%m}.csv", limit=limit, header=True)
                text = texts.EXPORTED.format(month=f"{at:%B %Y}")
                while part := await asyncio.to_thread(next, parts, None):  # packing takes a core
                    name, table = part
                    await context.send(text, file=discord.File(table, name), ephemeral=True)

    async def _report(
        self, context: commands.Context[Any], *, private: bool, limit: int
    ) -> tuple[MonthReport, str]:
        """Return what the asker may see; where everybody reads along, nobody's own spending."""
        costs, asker = self._costs.report, context.author
        if self._is_owner(context) and private:
            return await costs.of_guild(limit=limit), texts.EVERYWHERE
        if context.guild is None:
            return await costs.of_person(asker.id), texts.YOU
        if self._permissions.level(asker) < Level.BOT_ADMIN:
            return await costs.of_person(asker.id, context.guild.id), texts.YOU_HERE
        report = await costs.of_guild(context.guild.id, limit=limit)
        return (report if private else replace(report, people=(), channels=())), texts.THIS_SERVER

    async def _drawn(self, picture: chart.Picture) -> discord.File:
        async with self._one_at_a_time:
            png = await asyncio.to_thread(chart.draw, picture)
        return discord.File(BytesIO(png), "spending.png", description=texts.alt_text(picture))

    def _is_owner(self, context: commands.Context[Any]) -> bool:
        return self._permissions.level(context.author) >= Level.SUPER_ADMIN


async def write(lines: AsyncIterator[str], file: BinaryIO, *, most: int) -> None:
    """Write lines into a file.

    Args:
        lines: Some lines at a time.
        file: Takes them as UTF-8.
        most: Bytes that the file may have.

    Raises:
        commands.BadArgument: They are more.
    """
    async for some in lines:
        file.write(some.encode())
        if file.tell() > most:
            raise commands.BadArgument(texts.TOO_LARGE)


def _is_private(context: commands.Context[Any]) -> bool:
    """Return whether the asker alone reads the answer."""
    return context.interaction is not None or context.guild is None


def _guild_id(context: commands.Context[Any]) -> int:
    assert context.guild is not None  # without one nobody but the owner is an admin
    return context.guild.id
