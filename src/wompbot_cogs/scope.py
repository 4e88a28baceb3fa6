"""What a plugin acquired, and how all of it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from typing import Any, ParamSpec

from wompbot_cogs.running import run_as, running, without_exit
from wompcore.errors import NotOpen

P = ParamSpec("P")

_log = logging.getLogger(__name__)

_DRAIN_S = 20.0
_END_S = 5.0


class Scope:
    """Owns everything one loaded plugin acquired; closing ends it in reverse.

    Args:
        plugin: The plugin's id.
        failed: Called with each error of what the plugin runs.
        package: Where its code lives: tasks that this code makes are the plugin's.

    Attributes:
        allow_event: Refuses an event of Discord that the plugin may not listen to; raises ``NotGranted``.
    """

    def __init__(self, plugin: str, failed: Callable[[str, BaseException], None], package: str = "") -> None:
        self.plugin = plugin
        self.allow_event: Callable[[str], None] = lambda name: None
        self.package = package
        self._failed = failed
        self._work: set[asyncio.Task[Any]] = set()
        self._background: set[asyncio.Task[Any]] = set()
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
        self._run(work, begun=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background, which is cancelled at the end.

        Raises:
            NotOpen: The scope is closed.
        """
        self._run(work, begun=False)

    def enter(self) -> None:
        """Let the current task count as work that was begun, until it ends."""
        task = asyncio.current_task()
        assert task is not None  # only tasks call a plugin
        run_as(self, begun=True)
        self.adopt(task, begun=True)

    def adopt(self, task: asyncio.Task[Any], *, begun: bool) -> None:
        """Own a task that somebody else made, and who made it hears of its errors.

        Args:
            task: The task.
            begun: Whether it may finish at the end, or is cancelled.
        """
        tasks = self._work if begun else self._background
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def report(self, error: BaseException) -> None:
        """Take note of an error of what the plugin runs."""
        self._failed(self.plugin, error)

    def reporting(self, call: Callable[P, object]) -> Callable[P, None]:
        """Return a function that calls another and reports what it raises."""

        def called(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                call(*args, **kwargs)
            except BaseException as error:  # exits, too: nothing is awaited here
                self.report(error)

        return called

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
        with running(self):  # what is opened now is the plugin's, whoever brings it in
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
            except BaseException as error:  # exits, too: nothing is awaited here
                self.report(error)

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
                async with asyncio.timeout(_END_S):
                    await without_exit(finish())
            except Exception as error:
                self.report(error)
        self.retire()  # what the work opened while it finished

    async def _cancel(self) -> None:
        tasks = self._work | self._background
        for task in tasks:
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=_END_S)
            for task in stuck:
                _log.error("a task refuses to end: %s", task.get_name())

    def _run(self, work: Coroutine[Any, Any, None], *, begun: bool) -> None:
        if self._closed:
            work.close()
            raise NotOpen(f"plugin {self.plugin} is unloaded and starts nothing more")
        context = copy_context()
        context.run(run_as, self, begun=begun)
        name = f"plugin {self.plugin}: {work!r}"
        task = asyncio.create_task(without_exit(work), name=name, context=context)
        self.adopt(task, begun=begun)
        task.add_done_callback(self._ended)
        task.add_done_callback(lambda _: work.close())  # one that never began is not awaited any more

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.report(error)
