"""Procrastinate's way to the database: our pool, our listener, our patience."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from procrastinate import PsycopgConnector, sql
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.manager import get_channel_for_queues

from wompcore.db import Database
from wompcore.db.translate import translated
from wompcore.errors import DatabaseReadOnly, DatabaseUnavailable, PoolExhausted

AWAY = (DatabaseUnavailable, DatabaseReadOnly, PoolExhausted)
"""What is waited out."""

_RETRY_S = (0.1, 2.0)  # first and longest wait between tries
_NEW_JOB = '{"type": "job_inserted", "job_id": 0}'

_log = logging.getLogger(__name__)


class Link(Protocol):
    """How news of jobs arrive."""

    def on(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back with every payload of a channel."""
        ...

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await the callback whenever the link is up again."""
        ...


@contextmanager
def plain_errors(url: str) -> Iterator[None]:
    """Turn procrastinate's one error for everything back into what the database said.

    Args:
        url: Where the statements go, for the message.
    """
    try:
        yield
    except ConnectorException as error:
        if error.__cause__ is None:
            raise
        with translated(url):
            raise error.__cause__ from None


class Connector(PsycopgConnector):
    """Runs a worker's statements, waiting as long as the database is away.

    So an outage ends no worker: jobs go on, and what became of them is written when it is over.

    Args:
        db: The open database.
        link: Tells of new jobs; without it they are found when the worker looks for them.
    """

    def __init__(self, db: Database, link: Link | None) -> None:
        super().__init__()
        self.closing = asyncio.Event()
        """Set when nothing waits for the database any more."""
        self._url = db.url
        self._link = link
        self._news = asyncio.Event()
        self._heard: set[str] = set()
        if link is not None:
            link.on_reconnect(self._reconnected)

    def hear_of(self, queue: str) -> None:
        """Let the worker look for jobs whenever one is added to a queue."""
        if self._link is not None:
            for channel in {*get_channel_for_queues([queue])} - self._heard:
                self._heard.add(channel)  # once, however often a plugin that adds jobs comes and goes
                self._link.on(channel, lambda payload: self.wake())

    def wake(self) -> None:
        """Let the worker look for jobs now."""
        self._news.set()

    async def _reconnected(self) -> None:
        self.wake()

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Pass news on to the worker; it listens to no channel itself."""
        while True:
            await self._news.wait()
            self._news.clear()
            await on_notification(channel="", payload=_NEW_JOB)

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        """Run a statement that returns nothing, such as the end of a job."""
        try:
            await self._patiently(super().execute_query_async, query, arguments)
        except UniqueViolation:
            # A job that failed is to wait again while one with its key waits already: that one will do.
            done = {"job_id": arguments["job_id"], "status": "failed", "delete_job": True}
            await self._patiently(super().execute_query_async, sql.queries["finish_job"], done)
        except AWAY as error:  # closing: as after a crash, what was not written is put right elsewhere
            _log.warning("the job worker closes without the database: %s", error.message)

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        """Run a statement and return its row."""
        row: dict[str, Any] = await self._patiently(super().execute_query_one_async, query, arguments)
        return row

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        """Run a statement and return its rows."""
        rows: list[dict[str, Any]] = await self._patiently(super().execute_query_all_async, query, arguments)
        return rows

    async def _patiently(
        self, run: Callable[..., Awaitable[Any]], query: Any, arguments: dict[str, Any]
    ) -> Any:
        wait_s, longest_s = _RETRY_S
        while True:
            try:
                with plain_errors(self._url):
                    return await run(query, **arguments)
            except AWAY:
                if self.closing.is_set():
                    raise
            try:
                async with asyncio.timeout(wait_s):
                    await self.closing.wait()
            except TimeoutError:
                wait_s = min(2 * wait_s, longest_s)
