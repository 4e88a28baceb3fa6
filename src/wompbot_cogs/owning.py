"""A bot that knows which plugin it calls, and takes back what that plugin's code registered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import _dpy
from wompbot_cogs.gateway import ReconnectableBot
from wompbot_cogs.running import EXIT, ends_more, scope_running
from wompbot_cogs.scope import Scope

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
        except BaseException as error:
            if not ends_more(error):
                raise
            await self.on_error(event_name, *args, **kwargs)

    async def invoke(self, ctx: commands.Context[Any], /) -> None:
        """Run a prefix command in the name of the plugin it is of."""
        _enter(ctx.command and ctx.command.cog)
        try:
            await super().invoke(ctx)
        except BaseException as error:
            if not ends_more(error):
                raise
            wrapped = commands.CommandInvokeError(RuntimeError(EXIT))
            wrapped.__cause__ = error
            await self.on_command_error(ctx, wrapped)

    def add_listener(self, func: Any, /, name: str = discord.utils.MISSING) -> None:
        """Add a listener; one that a plugin adds goes with it."""
        if (scope := scope_running()) is not None:
            scope.allow_event(func.__name__ if name is discord.utils.MISSING else name)
        super().add_listener(func, name)
        if scope is not None:
            scope.on_close(lambda: self.remove_listener(func, name))

    def wait_for(self, event: Any, /, **how: Any) -> Any:
        """Wait for an event, if the plugin that waits may hear of it."""
        if (scope := scope_running()) is not None:
            scope.allow_event(f"on_{event}")
        return super().wait_for(event, **how)

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

    def _remove_own(self, command: commands.Command[Any, ..., Any]) -> None:
        if self.get_command(command.name) is command:
            self.remove_command(command.name)


class OwningTree(app_commands.CommandTree["OwningBot"]):
    """Runs slash commands in the name of the plugin they are of."""

    def add_command(self, command: Any, /, **where: Any) -> None:
        """Add a command of the application; one that a plugin adds by hand goes with it."""
        super().add_command(command, **where)
        if (scope := scope_running()) is not None:
            for guild in where.get("guilds") or (where.get("guild"),):
                scope.on_close(partial(self._remove_own, command, command.name, guild))

    def _remove_own(self, command: Any, name: str, guild: discord.abc.Snowflake | None) -> None:
        kind = getattr(command, "type", discord.AppCommandType.chat_input)
        if self.get_command(name, guild=guild, type=kind) is command:
            self.remove_command(name, guild=guild, type=kind)

    async def _call(self, interaction: discord.Interaction[OwningBot]) -> None:
        command = interaction.command
        _enter(getattr(command, "binding", None))
        if isinstance(command, app_commands.Command):
            _dpy.lead_autocomplete(command, self._complete)
        try:
            await super()._call(interaction)
        except (app_commands.AppCommandError, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # of a check, an exit, or else what discord.py lets through
            wrapped = app_commands.AppCommandError(EXIT if ends_more(error) else str(error))
            wrapped.__cause__ = error
            await self.on_error(interaction, wrapped)

    async def _complete(
        self, work: Callable[..., Awaitable[None]], interaction: discord.Interaction[OwningBot], *args: Any
    ) -> None:
        try:
            await work(interaction, *args)
        except Exception as error:  # which discord.py itself would only log
            wrapped = app_commands.AppCommandError(str(error))
            wrapped.__cause__ = error
            await self.on_error(interaction, wrapped)
