"""The tasks that something leads to, however indirectly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from wompbot_cogs._dpy import is_view_timer

_CAUSE: ContextVar[Work | None] = ContextVar("simulated_cause", default=None)


class Work:
    """Tasks that were started in :meth:`caused_here`, by its tasks, by theirs, and so on.

    A task inherits the context of what starts it, so a cause is handed down; what other services start
    meanwhile has none.
    """

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()

    @contextmanager
    def caused_here(self) -> Iterator[None]:
        """Count what is started in this context, and what that starts later."""
        before = _CAUSE.set(self)
        try:
            yield
        finally:
            _CAUSE.reset(before)

    def add(self, task: asyncio.Task[Any]) -> None:
        """Count a task until it ends."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def ended(self, within_s: float) -> bool:
        """Wait until nothing of it is left.

        Args:
            within_s: Seconds to wait at most.

        Returns:
            Whether it ended in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while loop.time() < deadline:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not self.tasks:
                return True
            await asyncio.wait(self.tasks, timeout=deadline - loop.time())
        return False


@contextmanager
def counted_tasks(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Make a loop count its new tasks for their causes."""
    before = loop.get_task_factory()
    make = before or _make

    def start(loop: asyncio.AbstractEventLoop, work: Any, /, **options: Any) -> asyncio.Future[Any]:
        task: asyncio.Task[Any] = make(loop, work, **options)  # type: ignore[assignment] # a loop makes tasks
        cause = _CAUSE.get()
        if cause is not None and not is_view_timer(work):  # those wait for people
            cause.add(task)
        return task

    loop.set_task_factory(start)
    try:
        yield
    finally:
        loop.set_task_factory(before)


def _make(loop: asyncio.AbstractEventLoop, work: Any, /, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(work, loop=loop, **options)
