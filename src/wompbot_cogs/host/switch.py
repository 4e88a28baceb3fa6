"""Putting cogs into the bot and taking them out, with nothing to wait for in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from discord import AppCommandType
from discord.ext import commands, tasks
from discord.utils import maybe_coroutine

from wompbot_cogs.owning import owned_by
from wompbot_cogs.scope import Scope

AnyBot = commands.Bot | commands.AutoShardedBot


async def set_up(cog: commands.Cog, scope: Scope) -> None:
    """Run what a cog does on loading, and leave to its scope what it does on unloading.

    discord.py would await both in the middle of a switch; what happens in Discord meanwhile would
    reach neither the old cog nor the new one.
    """
    load: Any = cog.cog_load  # an author may have written either as a plain function
    unload: Any = cog.cog_unload

    def stop_loops() -> None:
        for value in vars(cog).values():
            if isinstance(value, tasks.Loop):
                value.cancel()

    owned_by(cog, scope)
    scope.on_close(stop_loops)
    await maybe_coroutine(load)
    scope.at_last(lambda: maybe_coroutine(unload))
    vars(cog).update(cog_load=_nothing, cog_unload=_nothing)


async def switch(bot: AnyBot, old: Sequence[commands.Cog], new: Sequence[commands.Cog]) -> None:
    """Put cogs in the place of others, all or nothing. Never suspends for cogs that were set up.

    Args:
        bot: Where.
        old: Cogs that are in it.
        new: Cogs whose names nobody else has; see :func:`names_of`.
    """
    for cog in old:
        await bot.remove_cog(cog.qualified_name)
    try:
        for cog in new:
            await bot.add_cog(cog)
    except Exception:
        for cog in new:
            await _take_out(bot, cog)
        for cog in old:
            await bot.add_cog(cog)
        raise


def names_of(cog: commands.Cog) -> set[str]:
    """Return what a cog is called and every command name it takes, each with its kind."""
    prefixed = {name for command in cog.get_commands() for name in (command.name, *command.aliases)}
    return {
        f"cog {cog.qualified_name}",
        *(f"command {name.casefold()}" for name in prefixed),
        *(f"{_kind(command).name} command {command.name}" for command in _app_commands(cog)),
    }


async def _take_out(bot: AnyBot, cog: commands.Cog) -> None:
    """Remove a cog of which discord.py may have added a part only."""
    if bot.get_cog(cog.qualified_name) is cog:
        await bot.remove_cog(cog.qualified_name)
        return
    for command in cog.get_commands():
        bot.remove_command(command.name)
    for app_command in _app_commands(cog):
        bot.tree.remove_command(app_command.name, type=_kind(app_command))
    for name, listener in cog.get_listeners():
        bot.remove_listener(listener, name)
    bot.remove_check(cog.bot_check)
    bot.remove_check(cog.bot_check_once, call_once=True)


def _app_commands(cog: commands.Cog) -> Iterator[Any]:
    yield from cog.get_app_commands()
    for command in cog.get_commands():
        if isinstance(command, commands.HybridCommand | commands.HybridGroup) and command.app_command:
            yield command.app_command


def _kind(command: Any) -> AppCommandType:
    kind: AppCommandType = getattr(command, "type", AppCommandType.chat_input)
    return kind


async def _nothing() -> None:
    """Stand where a cog's own loading and unloading stood."""
