"""Web search, as a plugin reaches it."""

from __future__ import annotations

from dataclasses import replace

from wompcore.search import Found, WebSearch
from wompcore.usage import Attribution


class PluginSearch:
    """Web search, with every search attributed to the plugin.

    Args:
        search: The one way to search.
        plugin: The plugin's id.
    """

    def __init__(self, search: WebSearch, plugin: str) -> None:
        self._search = search
        self._plugin = plugin

    @property
    def available(self) -> bool:
        """Whether a search service is set up."""
        return self._search.available

    async def find(self, query: str, attribution: Attribution) -> Found:
        """Search; see :meth:`wompcore.search.WebSearch.find`."""
        return await self._search.find(query, replace(attribution, plugin=self._plugin))
