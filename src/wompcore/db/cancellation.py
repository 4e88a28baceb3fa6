"""Cancellations that the driver swallows: whoever sent one would wait for ever for a task that loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def cancellation_check() -> Callable[[], None]:
    """Return a function that raises a cancellation of this task which came since and was swallowed.

    The pool waits by :func:`asyncio.wait_for`, which up to Python 3.11 returns the result instead when both
    come at one moment.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()

    def check() -> None:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError

    return check


@contextmanager
def cancellation_kept() -> Iterator[None]:
    """Let a cancellation win over the error of a link that broke under it."""
    check = cancellation_check()
    try:
        yield
    except Exception:
        check()
        raise
