"""The tasks that something leads to, however indirectly."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

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
        """Wait until nothing of it is left but timers of views, which wait for people.

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
            working = [task for task in self.tasks if not _is_timer_of_view(task)]
            if not working:
                return True
            await asyncio.wait(working, timeout=deadline - loop.time())
        return False


@contextmanager
def counted_tasks(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Make a loop count its new tasks for their causes."""
    before = loop.get_task_factory()
    loop.set_task_factory(_start)
    try:
        yield
    finally:
        loop.set_task_factory(before)


def _start(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    /,
    **options: Any,
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **options)
    cause = _CAUSE.get()
    if cause is not None:
        cause.add(task)
    return task


def _is_timer_of_view(task: asyncio.Task[Any]) -> bool:
    return getattr(task.get_coro(), "__qualname__", "").endswith("timeout_task_impl")
