"""What a plugin's entry point names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from discord.ext import commands

from wompbot_cogs.context import Context


class Plugin:
    """A plugin: the cogs it consists of.

    Args:
        cogs: Makers of the cogs, usually the cog classes themselves; called with the context.
        prepare: Awaited before the first cog is made: the place for anything slow.

    Example::

        plugin = Plugin(HelloCog)
    """

    def __init__(
        self,
        *cogs: Callable[[Context], commands.Cog],
        prepare: Callable[[Context], Awaitable[None]] | None = None,
    ) -> None:
        self.cogs = cogs
        self.prepare = prepare
