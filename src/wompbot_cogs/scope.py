"""What a plugin acquired, and how all of it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger(__name__)

_DRAIN_S = 20.0


class Scope:
    """Owns everything one loaded plugin acquired; closing ends it in reverse.

    Args:
        plugin: The plugin's id.
        failed: Called with each error of the plugin's tasks.
    """

    def __init__(self, plugin: str, failed: Callable[[str, BaseException], None]) -> None:
        self.plugin = plugin
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()
        self._openings: list[Callable[[], Callable[[], None]]] = []
        self._endings: list[Callable[[], None]] = []

    @property
    def tasks(self) -> int:
        """Tasks that run now."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task; its error is reported, never lost."""
        task = asyncio.create_task(work, name=f"plugin {self.plugin}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def on_live(self, open_it: Callable[[], Callable[[], None]]) -> None:
        """Call back at the moment the plugin goes live; what that returns is called at the end."""
        self._openings.append(open_it)

    def on_close(self, undo: Callable[[], None]) -> None:
        """Call back when the scope closes."""
        self._endings.append(undo)

    def go_live(self) -> None:
        """Open what waited for this moment. Synchronous, so no event falls between."""
        for open_it in self._openings:
            self._endings.append(open_it())
        self._openings.clear()

    def retire(self) -> None:
        """End everything but the tasks that still work. Synchronous."""
        while self._endings:
            ending = self._endings.pop()
            try:
                ending()
            except Exception as error:
                self._failed(self.plugin, error)

    async def close(self, drain_s: float = _DRAIN_S) -> None:
        """End everything; tasks that still work get ``drain_s`` seconds to finish."""
        self.retire()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(self.plugin, error)
