"""Searching the web, against loopback servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from loopback import serve
from wompcore.cache import Cache
from wompcore.clock import SystemClock
from wompcore.config import (
    CacheSettings,
    CoreSettings,
    CostSettings,
    HttpSettings,
    SearchSettings,
    load_settings,
)
from wompcore.costs import Ledger, PriceBook
from wompcore.db import Database
from wompcore.errors import ConfigInvalid, SearchFailed
from wompcore.http import HttpSessions
from wompcore.ids import EntryIds
from wompcore.money import ZERO, usd
from wompcore.repos.costs import CostRepository
from wompcore.search import SearchResult, WebSearch, as_text, provider_of, search_origin
from wompcore.search.offline import offline_search
from wompcore.search.result import read_results
from wompcore.usage import Attribution, Purpose

FOR = Attribution(Purpose.CHAT, plugin="chat", guild_id=1, person_id=7)
PAGE = SearchResult("The kernel", "https://kernel.example/", "It panics on laptops.")
OTHER = SearchResult("Tulips", "https://tulips.example/", "They grow.")

OpenSearch = Callable[..., AbstractAsyncContextManager[WebSearch]]


def settings_of(provider: str, base_url: str, **more: Any) -> SearchSettings:
    return SearchSettings.model_validate(
        {"provider": provider, "base_url": base_url, "api_key": "k3y", "price": "0.005", **more}
    )


@pytest.fixture
async def open_search(db: Database) -> AsyncIterator[OpenSearch]:
    ledger = Ledger(CostRepository(db), PriceBook.shipped(CostSettings()), EntryIds(1), SystemClock())

    @asynccontextmanager
    async def opened(provider: str, base_url: str, **more: Any) -> AsyncIterator[WebSearch]:
        settings = settings_of(provider, base_url, **more)
        async with (
            HttpSessions.open(HttpSettings(), trusted_origins=[search_origin(settings)]) as http,
            Cache.open(CacheSettings()) as cache,
        ):
            yield WebSearch(provider_of(settings, http.trusted), settings, cache, ledger)

    yield opened
    assert ledger.open_calls == 0
    await ledger.close()


ITEM = {"title": "T &amp; <b>x</b>", "url": "https://a.example", "content": "c", "description": "c"}


@pytest.mark.parametrize(
    ("provider", "path", "header", "answer"),
    [
        ("searxng", "/search?q=a+b%26c&format=json", {}, {"results": [ITEM]}),
        (
            "brave",
            "/res/v1/web/search?q=a+b%26c&count=5&text_decorations=false",
            {"X-Subscription-Token": "k3y"},
            {"web": {"results": [ITEM]}},
        ),
        ("tavily", "/search", {"Authorization": "Bearer k3y"}, {"results": [ITEM]}),
    ],
)
async def test_each_service_is_asked_in_its_own_way(
    open_search: OpenSearch, provider: str, path: str, header: dict[str, str], answer: Any
) -> None:
    asked: list[tuple[str, dict[str, str], bytes]] = []

    async def service(request: web.Request) -> web.Response:
        asked.append((request.path_qs, dict(request.headers), await request.read()))
        return web.json_response(answer)

    async with serve(service) as origin, open_search(provider, origin) as search:
        found = await search.find(" a  b&c ", FOR)
    assert found.results == (SearchResult("T & x", "https://a.example", "c"),)
    [(seen_path, headers, body)] = asked
    assert seen_path == path
    assert header.items() <= headers.items()
    if provider == "tavily":
        assert json.loads(body) == {"query": "a b&c", "max_results": 5, "search_depth": "basic"}


@pytest.mark.parametrize("provider", ["searxng", "brave", "tavily"])
@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b""), (401, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"\xff"), (200, b"[" * 100_000)],
)
async def test_an_unreadable_answer_is_an_error_that_names_no_secret(
    open_search: OpenSearch, provider: str, status: int, body: bytes
) -> None:
    async def service(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async with serve(service) as origin, open_search(provider, origin) as search:
        with pytest.raises(SearchFailed) as raised:
            await search.find("secret question", FOR)
    assert "k3y" not in str(raised.value)
    assert "question" not in str(raised.value)


async def test_a_search_is_in_the_ledger_at_the_operators_price(
    open_search: OpenSearch, db: Database
) -> None:
    async with offline_search([PAGE]) as server, open_search("searxng", server.base_url) as search:
        assert (await search.find("kernel", FOR)).cost == usd("0.005")
    rows = await db.fetch_all(
        "SELECT provider, model, purpose, plugin, person_id, cost_usd, price_source FROM cost_entries"
    )
    assert rows == [("searxng", "search", "search", "chat", 7, usd("0.005"), "settings")]


async def test_the_same_search_is_made_and_paid_once(open_search: OpenSearch, db: Database) -> None:
    async with offline_search([PAGE, OTHER]) as server, open_search("searxng", server.base_url) as search:
        found = await asyncio.gather(*(search.find(query, FOR) for query in ("kernel", " KERNEL ", "kernel")))
        assert [one.results for one in found] == [(PAGE,)] * 3
        assert sorted(one.cost for one in found) == [ZERO, ZERO, usd("0.005")]
        assert server.requests == 1
    assert await db.fetch_value("SELECT count(*) FROM cost_entries") == 1


async def test_a_failed_search_costs_nothing_and_is_tried_again(
    open_search: OpenSearch, db: Database
) -> None:
    answers = iter([500, 200])

    async def service(request: web.Request) -> web.Response:
        return web.json_response({"results": []}, status=next(answers))

    async with serve(service) as origin, open_search("searxng", origin) as search:
        with pytest.raises(SearchFailed):
            await search.find("kernel", FOR)
        assert (await search.find("kernel", FOR)).results == ()
    assert await db.fetch_value("SELECT count(*) FROM cost_entries") == 1


async def test_a_silent_service_is_given_up(open_search: OpenSearch) -> None:
    async def service(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with serve(service) as origin, open_search("searxng", origin, timeout_s=0.1) as search:
        with pytest.raises(SearchFailed):
            await search.find("kernel", FOR)


async def test_a_search_that_nobody_waits_for_any_more_is_recorded(
    open_search: OpenSearch, db: Database
) -> None:
    reached = asyncio.Event()

    async def service(request: web.Request) -> web.Response:
        reached.set()
        await asyncio.sleep(60)
        return web.Response()

    async with serve(service) as origin, open_search("searxng", origin) as search:
        asking = asyncio.create_task(search.find("kernel", FOR))
        await reached.wait()
        asking.cancel()
        await asyncio.wait([asking])
    assert await db.fetch_all("SELECT outcome FROM cost_entries") == [("cancelled",)]


async def test_without_a_service_nothing_is_searched(open_search: OpenSearch) -> None:
    async with open_search("searxng", "http://127.0.0.1:9") as search:
        assert search.available
        with pytest.raises(SearchFailed, match="nothing to look for"):
            await search.find(" \0 ", FOR)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["title", "url", "content"]), inner),
    )
)
def test_no_answer_breaks_the_reader(found: Any) -> None:
    for result in read_results(found, "content", 5):
        assert result.url.startswith("http")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://a.example/<script>",
        "https://a\n.example",
        "",
        None,
        "https://" + "a" * 999,
    ],
)
def test_a_result_that_is_no_plain_link_is_dropped(url: Any) -> None:
    assert read_results([{"title": "t", "url": url, "content": "c"}], "content", 5) == []


def test_what_the_model_is_shown_is_bounded() -> None:
    long = {"title": "t" * 9999, "url": "https://a.example", "content": "word " * 9999}
    results = read_results([long] * 20, "content", 20)
    assert len(results) == 20
    assert all(len(result.snippet) <= 200 for result in results)
    assert 300 < len(as_text(results)) < 1600


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"PROVIDER": "searxng"}, "base_url"),
        ({"PROVIDER": "brave", "API_KEY": "k"}, "price"),
        ({"PROVIDER": "tavily", "PRICE": "0.008"}, "api_key"),
        ({"PROVIDER": "bing"}, "searxng"),
    ],
)
def test_search_settings_must_be_whole(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigInvalid, match=problem):
        load_settings(
            CoreSettings, environ={f"WOMPBOT_SEARCH__{key}": value for key, value in environ.items()}
        )
