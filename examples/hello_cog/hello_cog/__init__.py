"""The smallest plugin: it greets whoever asks."""

from __future__ import annotations

from typing import Any

from discord.ext import commands

from wompbot_cogs import Context, Plugin, hybrid_command


class HelloCog(commands.Cog, name="Hello"):
    """A greeting."""

    def __init__(self, context: Context) -> None:
        self._log = context.log

    @hybrid_command()
    async def hello(self, context: commands.Context[Any]) -> None:
        """Greet whoever asks."""
        self._log.info("greeting %d", context.author.id)
        await context.send(f"Hello, {context.author.mention}!")


plugin = Plugin(HelloCog)
