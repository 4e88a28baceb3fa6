"""A pool that hands out live connections only, and does not wait long for a server that is away."""

from __future__ import annotations

import asyncio
import logging
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from wompcore.db.connection import LinkState, watched_connection

_PATIENCE_S = 1.0  # how long a caller waits for a server that does not answer
# Every checkout may start a new try, so a try that fails need not be repeated for long.
_RECONNECT_S = 1.0


class ServerAway(PoolTimeout):
    """No connection can be made.

    Args:
        trouble: What the driver said.
    """

    def __init__(self, trouble: psycopg.Error) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


class _NewestFirst(deque[AsyncConnection[Any]]):
    """Idle connections, of which the one that was used last goes first: its server process is warm."""

    def popleft(self) -> AsyncConnection[Any]:
        return self.pop()


class Pool(AsyncConnectionPool[AsyncConnection[Any]]):
    """The connections of one database.

    Args:
        url: Where they lead.
        state: Kept up to date on the way to the server.
        kwargs: Arguments of each connection.
        min_size: Connections kept open.
        max_size: Connections at most.
        checkout_s: Seconds to wait for a free one.
        answer_within_s: Seconds until a server that stays silent counts as gone.
    """

    def __init__(
        self,
        url: str,
        state: LinkState,
        *,
        kwargs: dict[str, Any],
        min_size: int,
        max_size: int,
        checkout_s: float,
        answer_within_s: float,
    ) -> None:
        self.state = state
        super().__init__(
            url,
            connection_class=watched_connection(state, answer_within_s),
            kwargs=kwargs,
            min_size=min_size,
            max_size=max_size,
            timeout=checkout_s,
            reconnect_timeout=_RECONNECT_S,
            open=False,
        )
        self._pool = (
            _NewestFirst()
        )  # the library takes turns; each server process plans and caches for itself
        logger = logging.getLogger("psycopg.pool")
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)  # each failed try is a line there; callers get an error

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:  # noqa: ASYNC109  (psycopg_pool's name)
        """Take a live connection out of the pool.

        Args:
            timeout: Seconds to wait; the pool's own when left out.

        Raises:
            PoolTimeout: None became free in time; :class:`ServerAway` when none can be made.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        check = _cancellation_check()
        while True:
            remaining = deadline - time.monotonic()
            try:
                # Nobody wakes a caller who waits when the server goes away, so it looks up now and then.
                connection = await super().getconn(min(remaining, _PATIENCE_S))
            except PoolTimeout:
                if self.state.trouble is not None:
                    raise ServerAway(self.state.trouble) from self.state.trouble
                if time.monotonic() >= deadline:
                    raise
                continue
            try:
                check()
                if await _is_alive(connection):
                    return connection
                await connection.close()
            except BaseException:
                await self.putconn(connection)
                raise
            await self.putconn(connection)


def _cancellation_check() -> Callable[[], None]:
    """Return a function that raises a cancellation of this task which came since and was swallowed.

    The pool waits by ``asyncio.wait_for``, which up to Python 3.11 returns the result instead when both come
    at one moment; whoever cancelled would wait for ever for a task that loops.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()

    def check() -> None:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError

    return check


async def _is_alive(connection: AsyncConnection[Any]) -> bool:
    # An idle server says nothing, so nothing to read means alive, and costs no round trip. Something
    # to read is a notice or the end of the connection: only then is it worth asking.
    if not _has_something_to_read(connection.fileno()):
        return True
    try:
        await AsyncConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True


def _has_something_to_read(socket: int) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([socket], [], [], 0)[0])  # Windows
