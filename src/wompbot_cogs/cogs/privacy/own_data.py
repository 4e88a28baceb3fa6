# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

"""Handing people what is kept about them, and erasing it."""

from __future__ import annotations

import tempfile
from contextlib import aclosing
from typing import Any

import discord
from discord.ext import commands

from wompbot_cogs import Context, Level
from wompbot_cogs.cogs.privacy import texts
from wompcore.clock import SystemClock
from wompcore.errors import CoolingDown, DatabaseError
from wompcore.limits import Cooldown
from wompcore.privacy import Privacy
from wompcore.text import parts_of

_DAY_S = 24 * 3600.0
_ANSWER_S = 300.0
_IN_MEMORY_BYTES = 1_000_000


class OwnDataCog(commands.Cog, name="Your data"):
    """What is kept about you is yours to see and to erase, whether you opted out or not."""

    def __init__(self, context: Context) -> None:
        self._privacy = context.privacy
        self._permissions = context.permissions
        self._exports = Cooldown(_DAY_S)

    @commands.hybrid_command()
    async def download_my_data(
        self, context: commands.Context[Any], person: discord.User | None = None
    ) -> None:
        """Get a file with everything that I keep about you."""
        about = person or context.author
        if not await self._may(context, about):
            return
        try:
            self._exports.check(about.id, SystemClock().now())
        except CoolingDown:
            await _privately(context, texts.EXPORTED_TODAY)
            return
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
            async with aclosing(self._privacy.export(about.id, by_id=context.author.id)) as lines:
                async for line in lines:
                    file.write(line.encode())
            for name, part in parts_of(file, "my-data.jsonl"):
                await _privately(context, texts.EXPORTED, file=discord.File(part, name))

    @commands.hybrid_command()
    async def delete_my_data(
        self, context: commands.Context[Any], person: discord.User | None = None
    ) -> None:
        """Erase everything that I keep about you."""
        about = person or context.author
        if not await self._may(context, about):
            return
        whose = "you" if about == context.author else about.mention
        buttons = _Buttons(self._privacy, about.id, asker_id=context.author.id)
        await _privately(context, texts.ERASE.format(whose=whose), view=buttons)

    async def _may(self, context: commands.Context[Any], about: discord.abc.User) -> bool:
        """Return whether somebody may see or erase what is kept about a person; tell them if not."""
        await context.defer(ephemeral=True)
        if about == context.author or self._permissions.level(context.author) >= Level.SUPER_ADMIN:
            return True
        await _privately(context, texts.ONLY_YOURS)
        return False


class _Buttons(discord.ui.View):
    """Yes and no, for one person."""

    def __init__(self, privacy: Privacy, about_id: int, *, asker_id: int) -> None:
        super().__init__(timeout=_ANSWER_S)
        self._privacy = privacy
        self._about_id = about_id
        self._asker_id = asker_id

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        return interaction.user.id == self._asker_id

    @discord.ui.button(label=texts.YES, style=discord.ButtonStyle.danger)
    async def yes(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        self.stop()
        await interaction.response.defer()
        try:
            await self._privacy.request_erasure(self._about_id, by_id=self._asker_id)
        except DatabaseError:
            await interaction.edit_original_response(content=texts.UNCHANGED, view=None)
        else:
            await interaction.edit_original_response(content=texts.ERASING, view=None)

    @discord.ui.button(label=texts.NO, style=discord.ButtonStyle.secondary)
    async def no(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        self.stop()
        await interaction.response.edit_message(content=texts.NOT_ERASED, view=None)


async def _privately(context: commands.Context[Any], text: str, **extras: Any) -> None:
    """Send what only the asker may read: hidden after a slash command, else by direct message."""
    if context.interaction is not None or context.guild is None:
        await context.send(text, ephemeral=True, **extras)
        return
    try:
        await context.author.send(text, **extras)
    except discord.Forbidden:
        await context.send(texts.DMS_CLOSED)
