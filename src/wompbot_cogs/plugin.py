"""What a plugin's entry point names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from discord.ext import commands

from wompbot_cogs.context import Context


class Plugin:
    """A plugin: the cogs it consists of, and the hooks it implements.

    A method of a cog that is marked with ``hookimpl`` implements the hook of its name.

    Args:
        cogs: Makers of the cogs, usually the cog classes themselves; called with the context.
        hooks: Makers of objects that implement hooks and are no cogs; called with the context, too.
        prepare: Awaited before the first cog is made: the place for anything slow.

    Example::

        plugin = Plugin(HelloCog)
    """

    def __init__(
        self,
        *cogs: Callable[[Context], commands.Cog],
        hooks: Iterable[Callable[[Context], object]] = (),
        prepare: Callable[[Context], Awaitable[None]] | None = None,
    ) -> None:
        self.cogs = cogs
        self.hooks = tuple(hooks)
        self.prepare = prepare
