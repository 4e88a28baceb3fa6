"""A search server on loopback that speaks SearXNG's API: for the demo and for tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from wompcore.observe.serving import serving
from wompcore.search.result import SearchResult

_WORD = re.compile(r"\w{3,}")


class OfflineSearch:
    """Finds pages it was given by the words they share with a query.

    Args:
        pages: All there is to find.
    """

    def __init__(self, pages: Iterable[SearchResult]) -> None:
        self.base_url = ""
        self.requests = 0
        self._pages = [(set(_words(f"{page.title} {page.snippet}")), page) for page in pages]

    def find(self, query: str) -> list[SearchResult]:
        """Return the pages that share a word with the query, those with the most first."""
        asked = set(_words(query))
        shared = [(len(asked & words), page) for words, page in self._pages]
        return [page for count, page in sorted(shared, key=lambda pair: -pair[0]) if count]

    async def answer(self, request: web.Request) -> web.Response:
        """Answer ``/search?q=...&format=json``."""
        self.requests += 1
        if request.query.get("format") != "json":
            return web.Response(status=403)
        query = request.query.get("q", "")
        results = [{"title": p.title, "url": p.url, "content": p.snippet} for p in self.find(query)]
        return web.json_response({"query": query, "results": results})


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


@asynccontextmanager
async def offline_search(
    pages: Iterable[SearchResult], host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[OfflineSearch]:
    """Run a search server over some pages.

    Args:
        pages: All there is to find.
        host: Where to listen.
        port: The port; 0 for any free one.

    Raises:
        PortTaken: Nothing can listen there.
    """
    server = OfflineSearch(pages)
    app = web.Application()
    app.router.add_get("/search", server.answer)
    async with serving(app, host, port) as server.base_url:
        yield server
