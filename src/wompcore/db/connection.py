"""Connections that are counted, bounded in time, and tell when the server is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.errors import ConnectionTimeout

CONNECT_WITHIN_S = 10
"""Seconds a new connection may take."""


@dataclass
class LinkState:
    """What is known of the way to the server.

    Args:
        statements: How many statements ran.
        trouble: Why the last try to connect failed; ``None`` when it succeeded.
    """

    statements: int = 0
    trouble: psycopg.Error | None = None


def counting_cursor(state: LinkState) -> type[AsyncCursor[Any]]:
    """Return a cursor class that adds each statement to ``state``, for ``cursor_factory``."""

    class CountingCursor(AsyncCursor[Any]):
        async def execute(self, *args: Any, **kwargs: Any) -> Any:
            state.statements += 1
            return await super().execute(*args, **kwargs)

        async def executemany(self, query: Any, params_seq: Iterable[Any], **kwargs: Any) -> None:
            await super().executemany(query, counted(params_seq), **kwargs)

        def copy(self, *args: Any, **kwargs: Any) -> Any:
            state.statements += 1
            return super().copy(*args, **kwargs)

        def stream(self, *args: Any, **kwargs: Any) -> Any:
            state.statements += 1
            return super().stream(*args, **kwargs)

    def counted(params_seq: Iterable[Any]) -> Iterator[Any]:
        for params in params_seq:
            state.statements += 1
            yield params

    return CountingCursor


def watched_connection(state: LinkState, answer_within_s: float) -> type[AsyncConnection[Any]]:
    """Return a connection class that keeps ``state`` and never waits for ever, for ``connection_class``.

    Args:
        state: Told whether connecting works.
        answer_within_s: Seconds until a server that stays silent counts as gone.
    """

    class WatchedConnection(AsyncConnection[Any]):
        @classmethod
        async def connect(cls, *args: Any, **kwargs: Any) -> Any:
            try:
                connection = await super().connect(*args, **kwargs)
            except psycopg.Error as error:
                state.trouble = error
                raise
            state.trouble = None
            return connection

        async def wait(self, *args: Any, **kwargs: Any) -> Any:
            try:
                async with asyncio.timeout(answer_within_s):
                    return await super().wait(*args, **kwargs)
            except TimeoutError as error:
                self.pgconn.finish()
                raise ConnectionTimeout(f"no answer in {answer_within_s:.0f} s") from error

    return WatchedConnection
