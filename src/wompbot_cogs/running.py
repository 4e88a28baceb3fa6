"""Whose code runs: the plugin for which the current task works, and the tasks its code makes."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from inspect import currentframe
from types import FrameType
from typing import Any, NamedTuple, Protocol, TypeVar

from wompbot_cogs._dpy import is_loop, is_view_timer

T = TypeVar("T")

EXIT = "a plugin tried to end the process"

_HOUSE = ("wompcore", "wompbot_cogs")


class Owner(Protocol):
    """What owns a plugin's tasks: its scope."""

    package: str
    allow_event: Callable[[str], None]

    def enter(self) -> None:
        """Let the current task count as work that was begun, until it ends."""
        ...

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
        if run is None or scope is None or is_view_timer(coro) or not _is_of(scope.package, coro):
            made: asyncio.Future[Any] = self._make(loop, coro, **kwargs)
            return made
        task: asyncio.Task[Any] = self._make(loop, without_exit(coro), **kwargs)
        task.add_done_callback(lambda _: coro.close())  # one that never began is not awaited any more
        if is_loop(coro):  # nobody awaits it
            task.add_done_callback(partial(_report, run.scope))
        scope.adopt(task, begun=run.begun and not is_loop(coro))
        return task


def _make_task(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **kwargs: Any
) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **kwargs)


def _report(scope: weakref.ref[Owner], task: asyncio.Task[Any]) -> None:
    if (owner := scope()) is not None and not task.cancelled() and (error := task.exception()) is not None:
        owner.report(error)


def _is_of(package: str, coro: Any) -> bool:
    """Return whether a package's code is what a task runs, or asked for it, and not a service that it uses.

    A task that a service makes while it works for a plugin may be shared with others.
    """
    if (run := getattr(coro, "cr_frame", None)) is not None and _is_in(package, run):
        return True
    frame = currentframe()
    while frame is not None and not _module(frame).startswith("asyncio."):
        frame = frame.f_back  # task factories
    while frame is not None:
        if _is_in(package, frame):
            return True
        if _module(frame).partition(".")[0] in _HOUSE:
            return False
        frame = frame.f_back
    return False


def _is_in(package: str, frame: FrameType) -> bool:
    name = _module(frame)
    return name == package or name.startswith(package + ".")


def _module(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name


async def without_exit(work: Awaitable[T]) -> T:
    """Await a plugin's work; a plugin that wants to end the process ends its own task only.

    Raises:
        RuntimeError: It wanted to.
    """
    try:
        return await work
    except BaseException as error:
        if not ends_more(error):
            raise
        raise RuntimeError(EXIT) from error


def ends_more(error: BaseException) -> bool:
    """Return whether an exception ends more than the task that raised it, as ``SystemExit`` does."""
    return not isinstance(error, Exception | asyncio.CancelledError | GeneratorExit)
