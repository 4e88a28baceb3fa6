"""How a version that no longer serves ends: its work gets time, then nothing of it may be left."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator

from discord.ext import commands

from wompbot_cogs._dpy import forget_types, stop_views
from wompbot_cogs.host.loaded import Loaded
from wompbot_cogs.host.receipt import Leak, Witness
from wompbot_cogs.host.switch import AnyBot

_RECEIPTS = 100


class Draining:
    """Versions that end, and what is left of those that did.

    Args:
        bot: Where they served.
        drain_s: Seconds that work which was begun gets to finish.
    """

    def __init__(self, bot: AnyBot, drain_s: float) -> None:
        self._bot = bot
        self._drain_s = drain_s
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._commands: Counter[str] = Counter()
        self._ended: dict[str, list[Witness]] = {}

    def begin(self, loaded: Loaded) -> None:
        """End what no longer serves: its watches now, its work when it is done."""
        plugin = loaded.manifest.id
        loaded.scope.retire()
        stop_views(self._bot, loaded.package, persistent=True)
        task = asyncio.create_task(self._end(loaded), name=f"drain {plugin}")
        self._tasks[task] = plugin
        task.add_done_callback(self._tasks.pop)

    @property
    def drains(self) -> bool:
        """Whether an old version still works."""
        return bool(self._tasks)

    def is_draining(self, plugin: str) -> bool:
        """Return whether an old version of a plugin still works."""
        return plugin in self._tasks.values()

    def was_here(self, word: str) -> bool:
        """Return whether a prefix command is one of a version that still drains."""
        return word.casefold() in self._commands

    def leaks(self) -> dict[str, tuple[Leak, ...]]:
        """Return what is left of versions that ended, by plugin. Collects garbage if anything may be."""
        if any(witness.alive for ended in self._ended.values() for witness in ended):
            gc.collect()
        left = {
            plugin: [witness for witness in ended if witness.alive] for plugin, ended in self._ended.items()
        }
        self._ended = {plugin: witnesses for plugin, witnesses in left.items() if witnesses}
        return {
            plugin: tuple(leak for witness in witnesses for leak in witness.leaks())
            for plugin, witnesses in self._ended.items()
        }

    async def wait(self) -> None:
        """Wait until nothing drains any more."""
        await asyncio.gather(*self._tasks)

    async def _end(self, loaded: Loaded) -> None:
        words = Counter(_words(loaded.cogs))
        self._commands += words
        try:
            await loaded.scope.close(self._drain_s)
        finally:
            self._commands -= words
            stop_views(self._bot, loaded.package)
            forget_types()
            kept = [witness for witness in self._ended.get(loaded.manifest.id, []) if witness.alive]
            self._ended[loaded.manifest.id] = [*kept, loaded.witness][-_RECEIPTS:]


def _words(cogs: tuple[commands.Cog, ...]) -> Iterator[str]:
    for cog in cogs:
        for command in cog.get_commands():
            yield from (word.casefold() for word in (command.name, *command.aliases))
