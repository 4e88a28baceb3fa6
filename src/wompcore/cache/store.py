"""Where a cache keeps its texts: aiocache's memory, bounded, or a Redis that may be away."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from aiocache import SimpleMemoryCache

from wompcore.errors import ExtraMissing

T = TypeVar("T")

_ANSWER_WITHIN_S = 1.0
_LEFT_ALONE_S = 5.0
_REDIS_PORT = 6379

log = logging.getLogger(__name__)


class Store(Protocol):
    """Keeps texts by key."""

    async def get(self, key: str) -> str | None:
        """Return what is kept, or ``None``."""
        ...

    async def set(self, key: str, text: str, ttl_s: float) -> None:
        """Keep a text for some seconds."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a text."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class MemoryStore:
    """Keeps the entries that were used last.

    Args:
        entries: Entries at most.
    """

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._cache = SimpleMemoryCache(timeout=None)
        self._used: OrderedDict[str, None] = OrderedDict()  # may name entries that have expired since

    async def get(self, key: str) -> str | None:
        """Return what is kept, or ``None``."""
        text: str | None = await self._cache.get(key)
        if text is not None:
            self._used.move_to_end(key)
        return text

    async def set(self, key: str, text: str, ttl_s: float) -> None:
        """Keep a text for some seconds; the entry that was unused longest makes room."""
        self._used[key] = None
        self._used.move_to_end(key)
        await self._cache.set(key, text, ttl=ttl_s)
        while len(self._used) > self._entries:
            oldest, _ = self._used.popitem(last=False)
            await self._cache.delete(oldest)

    async def delete(self, key: str) -> None:
        """Forget a text."""
        self._used.pop(key, None)
        await self._cache.delete(key)

    async def close(self) -> None:
        """Forget everything, one by one, since clearing would leave the timers running."""
        for key in list(self._used):
            await self.delete(key)


class RedisStore:
    """Keeps texts in Redis or Valkey. While it is away nothing is found, and nobody waits for it.

    Args:
        url: ``redis://[user:password@]host[:port][/database]``; ``rediss`` for TLS.

    Raises:
        ExtraMissing: The driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            from aiocache.backends.redis import RedisCache
            from redis.exceptions import RedisError
        except ImportError as error:
            raise ExtraMissing("redis", "cache.url") from error
        parts = urlsplit(url)
        self._faults = (RedisError, OSError, TimeoutError, ValueError)
        self._away_until = 0.0
        self._cache = RedisCache(
            endpoint=parts.hostname,
            port=parts.port or _REDIS_PORT,
            db=int(parts.path.strip("/") or 0),
            password=unquote(parts.password) if parts.password else None,
            ssl=parts.scheme == "rediss",
            connection_pool_kwargs={"username": unquote(parts.username)} if parts.username else None,
            namespace="wompcore",
            timeout=_ANSWER_WITHIN_S,
        )

    async def get(self, key: str) -> str | None:
        """Return what is kept, or ``None``; ``None`` too while Redis is away."""
        return await self._unless_away(lambda: self._cache.get(key))

    async def set(self, key: str, text: str, ttl_s: float) -> None:
        """Keep a text for some seconds."""
        await self._unless_away(lambda: self._cache.set(key, text, ttl=float(ttl_s)))

    async def delete(self, key: str) -> None:
        """Forget a text."""
        await self._unless_away(lambda: self._cache.delete(key))

    async def close(self) -> None:
        """Close the connections."""
        await self._cache.client.aclose()  # aiocache calls it by its old name, which warns

    async def _unless_away(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            return await ask()
        except self._faults as error:
            self._away_until = time.monotonic() + _LEFT_ALONE_S
            log.warning("the cache is left alone for %g s: %s", _LEFT_ALONE_S, type(error).__name__)
            return None
