"""A bot that knows which plugin it calls, and takes back what that plugin's code registered."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs.gateway import ReconnectableBot
from wompbot_cogs.running import scope_running
from wompbot_cogs.scope import Scope

_EXIT = "a plugin tried to end the process"
_SCOPE = "_wompbot_scope"


def owned_by(cog: commands.Cog, scope: Scope) -> None:
    """Let what discord.py calls on a cog count as a plugin's."""
    vars(cog)[_SCOPE] = scope


def _enter(cog: object) -> None:
    """Count the current task as work of the plugin that a cog is of, if it is of one."""
    scope: Scope | None = getattr(cog, _SCOPE, None)
    if scope is not None:
        scope.enter()


class OwningBot(ReconnectableBot):
    """Listeners, checks and views that a plugin adds by hand leave with it; its exits end nothing."""

    async def _run_event(self, coro: Any, event_name: str, *args: Any, **kwargs: Any) -> None:
        _enter(getattr(coro, "__self__", None))
        try:
            await super()._run_event(coro, event_name, *args, **kwargs)
        except SystemExit:
            await self.on_error(event_name, *args, **kwargs)

    async def invoke(self, ctx: commands.Context[Any], /) -> None:
        """Run a prefix command in the name of the plugin it is of."""
        _enter(ctx.command and ctx.command.cog)
        try:
            await super().invoke(ctx)
        except SystemExit as error:
            wrapped = commands.CommandInvokeError(RuntimeError(_EXIT))
            wrapped.__cause__ = error
            await self.on_command_error(ctx, wrapped)

    def add_listener(self, func: Any, /, name: str = discord.utils.MISSING) -> None:
        """Add a listener; one that a plugin adds goes with it."""
        super().add_listener(func, name)
        if (scope := scope_running()) is not None:
            scope.on_close(lambda: self.remove_listener(func, name))

    def add_check(self, func: Any, /, *, call_once: bool = False) -> None:
        """Add a check of every command; one that a plugin adds goes with it."""
        super().add_check(func, call_once=call_once)
        if (scope := scope_running()) is not None:
            scope.on_close(lambda: self.remove_check(func, call_once=call_once))

    def add_command(self, command: commands.Command[Any, ..., Any], /) -> None:
        """Add a prefix command; one that a plugin adds by hand goes with it."""
        super().add_command(command)
        if (scope := scope_running()) is not None:
            scope.on_close(lambda: self._remove_own(command))

    def add_view(self, view: Any, *, message_id: int | None = None) -> None:
        """Add a view that outlives a restart; one that a plugin adds goes with it."""
        super().add_view(view, message_id=message_id)
        if (scope := scope_running()) is not None:
            scope.on_close(view.stop)

    def add_dynamic_items(self, *items: Any) -> None:
        """Add kinds of buttons that are known by their id; those that a plugin adds go with it."""
        super().add_dynamic_items(*items)
        if (scope := scope_running()) is not None:
            scope.on_close(lambda: self.remove_dynamic_items(*items))

    def _remove_own(self, command: commands.Command[Any, ..., Any]) -> None:
        if self.get_command(command.name) is command:
            self.remove_command(command.name)


class OwningTree(app_commands.CommandTree["OwningBot"]):
    """Runs slash commands in the name of the plugin they are of."""

    async def _call(self, interaction: discord.Interaction[OwningBot]) -> None:
        _enter(getattr(interaction.command, "binding", None))
        try:
            await super()._call(interaction)
        except SystemExit as error:
            wrapped = app_commands.AppCommandError(_EXIT)
            wrapped.__cause__ = error
            await self.on_error(interaction, wrapped)
