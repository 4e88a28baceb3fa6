"""The services that search: each one request, sent to an origin the operator trusts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from wompcore.config import SearchSettings
from wompcore.errors import SearchFailed, TransportFailed
from wompcore.http import HttpAnswer, TrustedSession
from wompcore.search.result import SearchResult, read_results

_MAX_BYTES = 2_000_000
_ROOTS = {"brave": "https://api.search.brave.com", "tavily": "https://api.tavily.com"}


class SearchProvider(Protocol):
    """A service that searches. It asks once; limits, cache and money are :class:`WebSearch`'s."""

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        ...

    async def search(self, query: str, limit: int) -> list[SearchResult]:
        """Return what the service finds, best first; the caller bounds the time by cancelling.

        Args:
            query: What to look for.
            limit: Results at most.

        Raises:
            SearchFailed: There was no readable answer.
        """
        ...


class _Service:
    """What the services have in common.

    Args:
        http: The session; must trust the service's origin.
        settings: Address, key and time limit.
    """

    name = ""

    def __init__(self, http: TrustedSession, settings: SearchSettings) -> None:
        self._http = http
        self._root = search_origin(settings)
        self._key = settings.api_key.get_secret_value()
        self._timeout_s = settings.timeout_s

    async def _object(self, asking: Awaitable[HttpAnswer]) -> dict[str, Any]:
        """Return the JSON object that a request is answered with."""
        try:
            answer = await asking
        except TransportFailed as error:
            raise SearchFailed(f"{self.name}: {error.problem}") from error
        if answer.status != 200:
            raise SearchFailed(f"{self.name} answered with status {answer.status}")
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise SearchFailed(f"{self.name} answered with something that is not JSON") from error
        if not isinstance(found, dict):
            raise SearchFailed(f"{self.name} answered with something that is not an object")
        return found

    def _get(self, path: str, query: Mapping[str, str], **headers: str) -> Awaitable[HttpAnswer]:
        url = f"{self._root}{path}?{urlencode(query)}"
        return self._http.get(url, headers=headers, read_timeout_s=self._timeout_s, max_bytes=_MAX_BYTES)


class SearXng(_Service):
    """A SearXNG server; its settings must allow the format ``json``.

    Source: docs.searxng.org, Search API.
    """

    name = "searxng"

    async def search(self, query: str, limit: int) -> list[SearchResult]:
        """See :meth:`SearchProvider.search`."""
        found = await self._object(self._get("/search", {"q": query, "format": "json"}))
        return read_results(found.get("results"), "content", limit)


class Brave(_Service):
    """Brave's search API.

    Source: api-dashboard.search.brave.com, Web Search.
    """

    name = "brave"

    async def search(self, query: str, limit: int) -> list[SearchResult]:
        """See :meth:`SearchProvider.search`."""
        asked = {"q": query, "count": str(limit), "text_decorations": "false"}
        headers = {"Accept": "application/json", "X-Subscription-Token": self._key}
        web = (await self._object(self._get("/res/v1/web/search", asked, **headers))).get("web")
        return read_results(web.get("results") if isinstance(web, dict) else None, "description", limit)


class Tavily(_Service):
    """Tavily's search API, at its basic depth.

    Source: docs.tavily.com, Search.
    """

    name = "tavily"

    async def search(self, query: str, limit: int) -> list[SearchResult]:
        """See :meth:`SearchProvider.search`."""
        asking = self._http.post_json(
            f"{self._root}/search",
            json.dumps({"query": query, "max_results": limit, "search_depth": "basic"}).encode(),
            headers={"Authorization": f"Bearer {self._key}"},
            read_timeout_s=self._timeout_s,
            max_bytes=_MAX_BYTES,
        )
        found = await self._object(asking)
        return read_results(found.get("results"), "content", limit)


_SERVICES: Mapping[str, type[SearXng | Brave | Tavily]] = {
    service.name: service for service in (SearXng, Brave, Tavily)
}


def search_origin(settings: SearchSettings) -> str:
    """Return the URL under which the configured service is reached; empty when there is none."""
    return (settings.base_url or _ROOTS.get(settings.provider, "")).rstrip("/") if settings.provider else ""


def provider_of(settings: SearchSettings, http: TrustedSession) -> SearchProvider | None:
    """Return the service that the settings name; ``None`` when they name none."""
    return _SERVICES[settings.provider](http, settings) if settings.provider else None
