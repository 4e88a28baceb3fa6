"""LISTEN: what other processes tell this one, over a link that mends itself."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, Notify, sql

from wompcore.db.connection import answered_within
from wompcore.db.database import Database
from wompcore.errors import WompError

CHECK_S = 0.5
"""Seconds of silence until the server is asked whether it is there, and for its answer."""

_FIRST_RETRY_S = 0.05
_LAST_RETRY_S = 2.0
_log = logging.getLogger(__name__)


class Listener:
    """Receives notifications on a connection of its own, past any pooler.

    A link that breaks is noticed at once, one that freezes within a second; then it is made anew
    until it holds. What was sent meanwhile is lost, so who keeps a copy of something reads it again
    in a callback of :meth:`on_reconnect`.

    Made by :meth:`open`.

    Attributes:
        connected: Whether notifications arrive.
        down_since: While not connected, the monotonic second at which the link was last known to
            hold; ``None`` while connected.
    """

    def __init__(self, db: Database) -> None:
        self.connected = False
        self.down_since: float | None = None
        self._db = db
        self._callbacks: dict[str, list[Callable[[str], None]]] = {}
        self._reconnect_callbacks: list[Callable[[], Awaitable[None]]] = []
        self._listened: set[str] = set()
        self._all_listened = asyncio.Event()
        self._wake = asyncio.Event()
        self._closing = False
        self._heard_at = time.monotonic()

    @classmethod
    @asynccontextmanager
    async def open(cls, db: Database) -> AsyncIterator[Self]:
        """Make the link and keep it.

        Args:
            db: The database to listen to.

        Raises:
            DatabaseUnavailable: The first link cannot be made.
        """
        listener = cls(db)
        link = await listener._connect()
        listener._is_up()
        keeping = asyncio.create_task(listener._keep(link), name="wompcore-listener")
        try:
            yield listener
        finally:
            listener._closing = True
            listener._wake.set()
            if listener.connected:  # let a question end: cancelled, it would wait longer for its answer
                await asyncio.wait([keeping], timeout=2 * CHECK_S)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    def on(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call ``callback(payload)`` for each notification on ``channel``.

        Takes effect within milliseconds; :meth:`listening` waits for it.

        Args:
            channel: The channel's name.
            callback: Quick and synchronous. An exception is logged and harms nobody else.
        """
        self._callbacks.setdefault(channel, []).append(callback)
        self._all_listened.clear()
        self._wake.set()

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await ``callback()`` after each mended link, before ``connected`` is true again.

        Notifications sent after it was called are not lost. When it fails the link counts as down
        and is made anew.
        """
        self._reconnect_callbacks.append(callback)

    async def listening(self) -> None:
        """Wait until the server knows every channel asked for so far."""
        await self._all_listened.wait()

    async def _keep(self, link: AsyncConnection[Any]) -> None:
        while True:
            try:
                await self._attend(link)
                return  # closing
            except (psycopg.Error, OSError) as error:
                self._is_down(error)
            finally:
                await link.close()
            link = await self._reconnect()

    async def _attend(self, link: AsyncConnection[Any]) -> None:
        while not self._closing:
            await self._ask(link)
            await self._pause(link)

    async def _ask(self, link: AsyncConnection[Any]) -> None:
        """Ask for new channels, or for a sign of life; notifications come along with the answer."""
        self._wake.clear()
        with answered_within(link, CHECK_S):
            for channel in self._callbacks.keys() - self._listened:
                await link.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                self._listened.add(channel)
            await link.execute("SELECT 1")
        self._heard_at = time.monotonic()
        if self._callbacks.keys() <= self._listened:
            self._all_listened.set()

    async def _pause(self, link: AsyncConnection[Any]) -> None:
        """Sleep until the server says something, someone wakes us, or it was silent for long."""
        loop = asyncio.get_running_loop()
        loop.add_reader(link.fileno(), self._wake.set)
        timer = loop.call_later(CHECK_S, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
            loop.remove_reader(link.fileno())

    async def _connect(self) -> AsyncConnection[Any]:
        link = await self._db.connect_directly(counted=False)
        self._listened.clear()
        link.add_notify_handler(self._received)
        return link

    async def _reconnect(self) -> AsyncConnection[Any]:
        delay = _FIRST_RETRY_S
        while True:
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(2 * delay, _LAST_RETRY_S)
            try:
                link = await self._mend()
            except (WompError, psycopg.Error, OSError) as error:
                _log.debug("still not listening: %s", error)
            except Exception:
                _log.exception("a callback failed after the link was made anew")
            else:
                self._is_up()
                _log.info("listening to the database again")
                return link

    async def _mend(self) -> AsyncConnection[Any]:
        link = await self._connect()
        try:
            await self._ask(link)  # listens first, so what the callbacks read is not older than the link
            for callback in self._reconnect_callbacks:
                await callback()
        except BaseException:
            await link.close()
            raise
        return link

    def _received(self, notify: Notify) -> None:
        for callback in self._callbacks.get(notify.channel, ()):
            try:
                callback(notify.payload)
            except Exception:
                _log.exception("a callback failed for a notification on %s", notify.channel)

    def _is_up(self) -> None:
        self.connected, self.down_since = True, None

    def _is_down(self, error: Exception) -> None:
        self.connected, self.down_since = False, self._heard_at
        self._all_listened.clear()
        _log.warning("not listening to the database: %s", str(error).split("\n", 1)[0])
