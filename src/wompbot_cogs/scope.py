"""What a plugin acquired, and how all of it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from wompcore.errors import NotOpen

_log = logging.getLogger(__name__)

_DRAIN_S = 20.0
_END_S = 5.0


class Scope:
    """Owns everything one loaded plugin acquired; closing ends it in reverse.

    Args:
        plugin: The plugin's id.
        failed: Called with each error of what the plugin runs.
    """

    def __init__(self, plugin: str, failed: Callable[[str, BaseException], None]) -> None:
        self.plugin = plugin
        self._failed = failed
        self._work: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._openings: list[Callable[[], Callable[[], None]]] = []
        self._endings: list[Callable[[], None]] = []
        self._last: list[Callable[[], Awaitable[None]]] = []
        self._live = False
        self._closed = False

    @property
    def tasks(self) -> int:
        """Tasks that run now."""
        return len(self._work) + len(self._background)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that was begun for somebody, and gets time to finish at the end.

        Raises:
            NotOpen: The scope is closed.
        """
        self._run(work, self._work)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background, which is cancelled at the end.

        Raises:
            NotOpen: The scope is closed.
        """
        self._run(work, self._background)

    def on_live(self, open_it: Callable[[], Callable[[], None]]) -> None:
        """Call back once the plugin is live, now if it is; what that returns is called at the end."""
        if self._live:
            self._endings.append(open_it())
        else:
            self._openings.append(open_it)

    def on_close(self, undo: Callable[[], None]) -> None:
        """Call back when the scope closes, the newest first."""
        self._endings.append(undo)

    def at_last(self, finish: Callable[[], Awaitable[None]]) -> None:
        """Await a callback when everything else has ended, the newest first."""
        self._last.append(finish)

    def go_live(self) -> None:
        """Open what waited for this moment. Synchronous, so no event falls between."""
        self._live = True
        for open_it in self._openings:
            self._endings.append(open_it())
        self._openings.clear()

    def retire(self) -> None:
        """End everything but the work that was begun. Synchronous, as :meth:`go_live`."""
        self._live = False
        for task in self._background:
            task.cancel()
        while self._endings:
            ending = self._endings.pop()
            try:
                ending()
            except Exception as error:
                self._failed(self.plugin, error)

    async def close(self, drain_s: float = _DRAIN_S) -> None:
        """End everything; work that was begun gets ``drain_s`` seconds to finish."""
        self.retire()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + drain_s
        while self._work and (left := deadline - loop.time()) > 0:
            await asyncio.wait(self._work, timeout=left)
        self._closed = True
        await self._cancel()
        while self._last:
            finish = self._last.pop()
            try:
                await asyncio.wait_for(finish(), _END_S)
            except Exception as error:
                self._failed(self.plugin, error)
        self.retire()  # what the work opened while it finished

    async def _cancel(self) -> None:
        tasks = self._work | self._background
        for task in tasks:
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=_END_S)
            for task in stuck:
                _log.error("a task refuses to end: %s", task.get_name())

    def _run(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        if self._closed:
            work.close()
            raise NotOpen(f"plugin {self.plugin} is unloaded and starts nothing more")
        task = asyncio.create_task(_without_exit(work), name=f"plugin {self.plugin}: {work!r}")
        tasks.add(task)
        task.add_done_callback(self._ended)
        task.add_done_callback(lambda _: work.close())  # one that never began is not awaited any more

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(self.plugin, error)


async def _without_exit(work: Coroutine[Any, Any, None]) -> None:
    """Await a plugin's work; a plugin that wants to end the process ends its own task only."""
    try:
        await work
    except SystemExit as error:
        raise RuntimeError("a plugin tried to end the process") from error
