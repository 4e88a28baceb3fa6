"""Running a plugin's code for somebody else: in the plugin's scope, for a bounded time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from wompbot_cogs.errors import HookTimedOut
from wompbot_cogs.running import without_exit

T = TypeVar("T")

Start = Callable[[Coroutine[Any, Any, None]], None]
"""Starts a task of a plugin's scope, where an error is counted against the plugin."""


def begin(start: Start, work: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
    """Begin some work as a task of a plugin and return what will hold its outcome.

    Cancelling the outcome cancels the work. If the plugin ends first, the outcome is cancelled.

    Raises:
        NotOpen: The plugin is unloaded.
    """
    outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    outcome.add_done_callback(_seen)

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        outcome.add_done_callback(lambda done: task.cancel() if done.cancelled() else None)
        try:
            value = await without_exit(work())
            if not outcome.done():
                outcome.set_result(value)
        except asyncio.CancelledError as error:
            if task.cancelling():
                raise
            raise RuntimeError("it cancelled itself") from error  # which is no reason to end the others
        except Exception as error:
            if not outcome.done():
                outcome.set_exception(error)
            raise
        finally:
            outcome.cancel()

    start(run())
    return outcome


async def timed(plugin: str, what: str, timeout_s: float, call: Callable[[], Any]) -> Any:
    """Call a function of a plugin, await it if it is to be awaited, and hold it to its time.

    A plain function cannot be interrupted; one that takes longer is found out afterwards.

    Raises:
        HookTimedOut: It took longer.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(timeout_s) as limit:
            value = call()
            if inspect.isawaitable(value):
                value = await value
    except TimeoutError:
        if not limit.expired():
            raise
    if limit.expired() or loop.time() - began >= timeout_s:
        raise HookTimedOut(plugin, what, timeout_s)
    return value


def _seen(outcome: asyncio.Future[Any]) -> None:
    """Look at an error, so that asyncio does not report it again: the scope has."""
    if not outcome.cancelled():
        outcome.exception()
