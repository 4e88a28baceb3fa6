"""Many callers, one statement at a time: what comes in while one runs goes together into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from wompcore.errors import RowsRefused

T = TypeVar("T")
R = TypeVar("R")


class Gather(Generic[T, R]):
    """Calls a function with everything that has come in since its last call began.

    A lone caller waits for nobody; under load a statement, and the commit that ends it, serves all who wait.

    Args:
        send: Takes what has gathered and returns as many results. An error is raised to each who waits;
            what the database refuses is sent again one by one, so that it harms no other.
        most: Items of one call at most.
    """

    def __init__(self, send: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, most: int) -> None:
        self._send = send
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._sender: asyncio.Task[None] | None = None

    def put(self, item: T) -> asyncio.Future[R]:
        """Send an item with the others; the future has its result."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._sender is None:
            self._sender = asyncio.create_task(self._keep_sending())
        return result

    async def _keep_sending(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._send_batch(batch)
        finally:
            self._sender = None  # nothing is awaited between the last look and this

    async def _send_batch(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._send([item for item, _ in batch])
        except Exception as error:
            if isinstance(error, RowsRefused) and len(batch) > 1:
                for one in batch:
                    await self._send_batch([one])
                return
            for _, result in batch:
                if not result.done():  # its caller may have gone
                    result.set_exception(error)
        else:
            for (_, result), value in zip(batch, results, strict=True):
                if not result.done():
                    result.set_result(value)
