"""What was looked up a moment ago is not looked up again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wompcore.cache.store import MemoryStore, RedisStore, Store
from wompcore.config import CacheSettings

LONGEST_TEXT = 100_000
"""Characters of a text that is kept; a longer one is made anew each time."""


@dataclass(slots=True)
class _Flight:
    """A text that is being made, and how many wait for it."""

    task: asyncio.Task[str]
    waiting: int = 0


class Cache:
    """Texts by key, each made by one caller at a time. Opened by :meth:`open`.

    A failure is not kept: everybody who waited gets it, and the next caller tries again.

    Args:
        store: Where texts are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._flights: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[str]] = set()  # of flights that were left, too, until they end
        self.hits = 0
        self.misses = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: CacheSettings) -> AsyncIterator[Cache]:
        """Open a cache where the settings say.

        Raises:
            ExtraMissing: Redis is asked for and its driver is not installed.
        """
        url = settings.url.get_secret_value()
        store: Store = RedisStore(url) if url else MemoryStore(settings.entries)
        cache = cls(store)
        try:
            yield cache
        finally:
            await cache._land()
            await store.close()

    async def get_or_make(self, key: str, make: Callable[[], Awaitable[str]], *, ttl_s: float) -> str:
        """Return what is kept under a key, or make it and keep it.

        Args:
            key: What it is; of any length.
            make: Makes the text. It goes on while anybody waits for it, and is cancelled when nobody does.
            ttl_s: Seconds to keep it; 0 to keep nothing.
        """
        key = hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        flight = self._flights.get(key)
        if flight is None:
            task = asyncio.create_task(self._find_or_make(key, make, ttl_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            flight = self._flights[key] = _Flight(task)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0:
                flight.task.cancel()
                # A newer flight may have taken the place of one that was left.
                if self._flights.get(key) is flight:
                    del self._flights[key]

    async def _find_or_make(self, key: str, make: Callable[[], Awaitable[str]], ttl_s: float) -> str:
        if ttl_s > 0 and (kept := await self._store.get(key)) is not None:
            self.hits += 1
            return kept
        self.misses += 1
        text = await make()
        if ttl_s > 0 and len(text) <= LONGEST_TEXT:
            await self._store.set(key, text, ttl_s)
        return text

    async def _land(self) -> None:
        for task in self._tasks:
            if not task.cancelling():  # one that is ending already may have something to finish
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
