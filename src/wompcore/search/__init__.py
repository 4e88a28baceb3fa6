"""Searching the web through one of several services: bounded, cached, paid for."""

from __future__ import annotations

from wompcore.search.providers import Brave, SearchProvider, SearXng, Tavily, provider_of, search_origin
from wompcore.search.result import SearchResult, as_text
from wompcore.search.search import QUERY_CHARS, Found, WebSearch

__all__ = [
    "QUERY_CHARS",
    "Brave",
    "Found",
    "SearXng",
    "SearchProvider",
    "SearchResult",
    "Tavily",
    "WebSearch",
    "as_text",
    "provider_of",
    "search_origin",
]
