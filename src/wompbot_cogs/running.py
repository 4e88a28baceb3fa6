"""Whose code runs: the plugin for which the current task works, and the tasks its code makes."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import currentframe
from types import FrameType
from typing import Any, NamedTuple, Protocol

from wompbot_cogs._dpy import is_loop, is_view_timer

_HOUSE = ("wompcore", "wompbot_cogs")


class Owner(Protocol):
    """What owns a plugin's tasks: its scope."""

    package: str

    def adopt(self, task: asyncio.Task[Any], *, begun: bool) -> None:
        """Own a task; ``begun``: it may finish at the end, and is not cancelled."""
        ...

    def on_close(self, undo: Callable[[], None]) -> None:
        """Call back at the end."""
        ...

    def report(self, error: BaseException) -> None:
        """Take note of an error."""
        ...


class _Run(NamedTuple):
    """Contexts are copied into connections that outlive a plugin, so its scope is held weakly.

    Args:
        scope: What owns the code.
        begun: Whether the task works for somebody who waits, and so may finish after an unload.
    """

    scope: weakref.ref[Owner]
    begun: bool


_RUN: ContextVar[_Run | None] = ContextVar("wompbot_plugin", default=None)


def scope_running() -> Owner | None:
    """Return the scope of the plugin whose code runs, if any does."""
    run = _RUN.get()
    return None if run is None else run.scope()


def run_as(scope: Owner, *, begun: bool) -> None:
    """Let the rest of the current task count as a plugin's."""
    _RUN.set(_Run(weakref.ref(scope), begun))


@contextmanager
def running(scope: Owner | None) -> Iterator[None]:
    """Let what happens in the context count as a plugin's preparation, or as nobody's."""
    token = _RUN.set(None if scope is None else _Run(weakref.ref(scope), begun=False))
    try:
        yield
    finally:
        _RUN.reset(token)


def own_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop note which plugin's code made a task, also one made without the plugin's context.

    The factory stays for the loop's life; while no plugin runs it only makes tasks.
    """
    make = loop.get_task_factory() or _make_task
    if isinstance(make, _OwningFactory):
        return
    loop.set_task_factory(_OwningFactory(make))


class _OwningFactory:
    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, /, **kwargs: Any) -> asyncio.Future[Any]:
        run = _RUN.get()
        scope = None if run is None else run.scope()
        if run is None or scope is None or is_view_timer(coro) or not _made_by(scope.package):
            made: asyncio.Future[Any] = self._make(loop, coro, **kwargs)
            return made
        task: asyncio.Task[Any] = self._make(loop, without_exit(coro), **kwargs)
        task.add_done_callback(lambda _: coro.close())  # one that never began is not awaited any more
        scope.adopt(task, begun=run.begun and not is_loop(coro))
        return task


def _make_task(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **kwargs: Any
) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **kwargs)


def _made_by(package: str) -> bool:
    """Return whether a package's code asked for what happens, and not a service that it uses.

    A task that a service makes while it works for a plugin may be shared with others.
    """
    frame = currentframe()
    while frame is not None and not _module(frame).startswith("asyncio."):
        frame = frame.f_back  # task factories
    while frame is not None:
        name = _module(frame)
        if name == package or name.startswith(package + "."):
            return True
        if name.partition(".")[0] in _HOUSE:
            return False
        frame = frame.f_back
    return False


def _module(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name


async def without_exit(work: Coroutine[Any, Any, Any]) -> Any:
    """Await a plugin's work; a plugin that wants to end the process ends its own task only.

    Raises:
        RuntimeError: It wanted to.
    """
    try:
        return await work
    except SystemExit as error:
        raise RuntimeError("a plugin tried to end the process") from error
