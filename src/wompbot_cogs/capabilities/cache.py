"""The cache, as a plugin reaches it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wompcore.cache import Cache


class PluginCache:
    """Texts that are kept for a while, under keys of the plugin's own.

    Args:
        cache: The one cache.
        plugin: The plugin's id.
    """

    def __init__(self, cache: Cache, plugin: str) -> None:
        self._cache = cache
        self._plugin = plugin

    async def get_or_make(self, key: str, make: Callable[[], Awaitable[str]], *, ttl_s: float) -> str:
        """Return what is kept, or make it once; see :meth:`wompcore.cache.Cache.get_or_make`."""
        return await self._cache.get_or_make(f"plugin:{self._plugin}:{key}", make, ttl_s=ttl_s)
