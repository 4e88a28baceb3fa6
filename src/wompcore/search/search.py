"""Web search: one service, its answers kept for a while, every search in the ledger."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, replace

from wompcore.cache import Cache
from wompcore.config import SearchSettings
from wompcore.costs import Call, Ledger
from wompcore.errors import SearchFailed
from wompcore.money import ZERO, Usd
from wompcore.search.providers import SearchProvider
from wompcore.search.result import SearchResult
from wompcore.text import bound, clean
from wompcore.usage import Attribution, Purpose, Usage

QUERY_CHARS = 300
"""Characters of a query at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Args:
        results: Best first.
        cost: What it cost whoever asked first; nothing when it was kept from before.
    """

    results: tuple[SearchResult, ...]
    cost: Usd


class WebSearch:
    """Searches the web.

    Args:
        provider: Who searches; ``None`` for nobody.
        settings: Limits and price.
        cache: Keeps what was found.
        ledger: Admits and records each search.
    """

    def __init__(
        self, provider: SearchProvider | None, settings: SearchSettings, cache: Cache, ledger: Ledger
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._cache = cache
        self._ledger = ledger

    @property
    def available(self) -> bool:
        """Whether there is anybody who searches."""
        return self._provider is not None

    async def find(self, query: str, attribution: Attribution) -> Found:
        """Search, or return what was found for the same query a while ago.

        Args:
            query: What to look for; only the first 300 characters count.
            attribution: Who and what it is for; the purpose becomes ``search``.

        Raises:
            SearchFailed: There is nobody who searches, or the service did not answer.
        """
        provider = self._provider
        query = bound(" ".join(clean(query).split()), QUERY_CHARS, mark="")
        if provider is None or not query:
            raise SearchFailed("nothing to look for" if provider else "no search service is set up")
        cost = ZERO

        async def search() -> str:
            nonlocal cost
            results, cost = await self._pay(provider, query, attribution)
            return json.dumps([asdict(result) for result in results])

        key = f"search {provider.name} {self._settings.results} {query.casefold()}"
        kept = await self._cache.get_or_make(key, search, ttl_s=self._settings.cache_s)
        return Found(tuple(SearchResult(**result) for result in json.loads(kept)), cost)

    async def _pay(
        self, provider: SearchProvider, query: str, attribution: Attribution
    ) -> tuple[list[SearchResult], Usd]:
        call = Call(
            provider.name,
            "search",
            replace(attribution, purpose=Purpose.SEARCH),
            fixed_cost=self._settings.price or ZERO,
        )
        [reservation] = await self._ledger.reserve([call])
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                results = await provider.search(query, self._settings.results)
        except (SearchFailed, TimeoutError) as error:
            await self._ledger.release([reservation])
            if isinstance(error, SearchFailed):
                raise
            raise SearchFailed(f"no answer within {self._settings.timeout_s:g} s") from error
        except BaseException:
            # It was sent, so it may be charged for, though nobody waits for the answer any more.
            await self._ledger.settle([(reservation, Usage())], "cancelled")
            raise
        [cost] = await self._ledger.settle([(reservation, Usage())])
        return results, cost
