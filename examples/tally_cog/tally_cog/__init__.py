"""Counts things together: a command makes a message with a button, everyone may press it."""

from __future__ import annotations

from typing import Any

import discord
from discord.ext import commands

from tally_cog.book import TallyBook
from wompbot_cogs import Context, Plugin, hybrid_command

_NAME_CHARS = 100


class TallyButton(discord.ui.View):
    """The button below every tally. It never times out, and its id is always the same.

    That is what lets a version of the plugin, or a new process, answer buttons that another one sent.

    Args:
        book: The tallies.
    """

    def __init__(self, book: TallyBook) -> None:
        super().__init__(timeout=None)
        self._book = book

    @discord.ui.button(label="+1", style=discord.ButtonStyle.primary, custom_id="tally:count")
    async def count(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        """Count one more, and show the sum."""
        assert interaction.message is not None  # a button is below one
        counted = await self._book.count(interaction.message.id, person_id=interaction.user.id)
        if counted is None:
            await interaction.response.send_message("This tally is gone.", ephemeral=True)
            return
        await interaction.response.edit_message(content=_shown(*counted))


class TallyCog(commands.Cog, name="Tally"):
    """Tallies."""

    def __init__(self, context: Context) -> None:
        self._book = TallyBook(context.db, context.settings.per_person)
        context.add_view(TallyButton(self._book))

    @hybrid_command()
    async def tally(self, context: commands.Context[Any], *, name: str) -> None:
        """Start a tally that everyone can add to."""
        name = discord.utils.escape_markdown(name[:_NAME_CHARS])
        message = await context.send(_shown(name, 0), view=TallyButton(self._book))
        await self._book.start(message.id, name, made_by=context.author.id)


def _shown(name: str, count: int) -> str:
    return f"**{name}**: {count}"


plugin = Plugin(TallyCog)
