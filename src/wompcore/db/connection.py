"""Connections that are counted, bounded in time, and tell when the server is away."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
            with answered_within(self, answer_within_s):
                return await super().wait(*args, **kwargs)

    return WatchedConnection


@contextmanager
def answered_within(connection: AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """Cut the connection when what is asked inside takes longer than ``seconds``.

    A plain timeout would not do: psycopg answers a cancellation by asking the server to stop, and
    waits for a server that may be gone. A cut socket ends every wait at once.

    Raises:
        ConnectionTimeout: The connection was cut.
    """
    severed = False

    def sever() -> None:
        nonlocal severed
        severed = True
        with socket.socket(fileno=os.dup(connection.fileno())) as same_socket:
            same_socket.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(seconds, sever)
    try:
        yield
    except psycopg.OperationalError as error:
        if severed:
            raise ConnectionTimeout(f"no answer in {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
