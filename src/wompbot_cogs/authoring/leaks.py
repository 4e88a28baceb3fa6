"""What stays behind when a plugin is unloaded."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Set

from wompbot_cogs.app import App
from wompbot_cogs.host.discovery import discover
from wompbot_cogs.host.importer import modules_of

_END_S = 30.0
_EARLY = 2


async def swap_often(app: App, plugin: str, times: int) -> list[str]:
    """Swap a plugin again and again; return what its old versions leave behind, in words.

    Args:
        app: The bot that runs it.
        plugin: Its id.
        times: How often.
    """
    await _swap(app, plugin)  # whatever is made once is made by now
    first = Counter(_acquired(app))
    for number in range(times - 1):
        await _swap(app, plugin)
        if number == _EARLY and app.host.receipts().get(plugin):
            break  # what stays every time is told after a few as well, and holders take long to find
    leaks = list(app.host.receipts().get(plugin, ()))
    return leaks + [f"{what} ({count} more)" for what, count in (Counter(_acquired(app)) - first).items()]


async def find_leaks(app: App, plugin: str) -> list[str]:
    """Unload a plugin and load it again, twice; return what it leaves behind, in words.

    Args:
        app: The bot that runs it.
        plugin: Its id.
    """
    package = discover()[plugin].package
    files = {str(sys.modules[name].__file__) for name in modules_of(package)}
    await _unload(app, plugin)
    first = Counter(_acquired(app))
    leaks = _tasks_of(plugin, files)
    await app.host.load(plugin)
    await _unload(app, plugin)
    leaks += app.host.receipts().get(plugin, ())
    leaks += [f"{what} ({count} more)" for what, count in (Counter(_acquired(app)) - first).items()]
    leaks += [f"{name} is still imported" for name in modules_of(package)]
    await app.host.load(plugin)
    return leaks


async def _swap(app: App, plugin: str) -> None:
    await app.host.swap(plugin)
    await _drained(plugin)


async def _unload(app: App, plugin: str) -> None:
    await app.host.unload(plugin)
    await _drained(plugin)


async def _drained(plugin: str) -> None:
    ending = [task for task in asyncio.all_tasks() if task.get_name() == f"drain {plugin}"]
    if ending:
        await asyncio.wait(ending, timeout=_END_S)


def _acquired(app: App) -> Iterator[str]:
    """Yield what plugins can have acquired from the bot."""
    bot = app.bot
    for event, listeners in bot.extra_events.items():
        yield from (f"listener {event}" for _ in listeners)
    yield from (f"cog {name}" for name in bot.cogs)
    yield from (f"command {name}" for name in bot.all_commands)
    yield from (f"slash command {command.name}" for command in bot.tree.walk_commands())
    yield from ("view" for _ in bot.persistent_views)


def _tasks_of(plugin: str, files: Set[str]) -> list[str]:
    """Return the tasks that a plugin runs through its scope, or on its own."""
    codes = {task: getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()}
    return [
        f"task {task.get_name()} is still running"
        for task, code in codes.items()
        if task.get_name().startswith(f"plugin {plugin}:") or getattr(code, "co_filename", None) in files
    ]
