"""The running bot tells whether it is well, and its numbers."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from discord_server import TOKEN, DiscordServer
from wompbot_cogs.app import App, open_app
from wompbot_cogs.doctor import examine
from wompbot_cogs.runner import Backoff, run
from wompbot_cogs.settings import BotSettings
from wompcore.config import DatabaseSettings
from wompcore.errors import ModelUnavailable, PortTaken
from wompcore.http import HttpAnswer, HttpSessions
from wompcore.llm import ChatRequest, Message
from wompcore.llm.offline import Fault, OfflineServer, offline_server
from wompcore.usage import Attribution, Purpose


@pytest.fixture
async def model() -> AsyncIterator[OfflineServer]:
    async with offline_server(faults=[None, *[Fault(status=503)] * 5]) as server:
        yield server


@pytest.fixture
def settings(
    discord_server: DiscordServer, database_settings: DatabaseSettings, model: OfflineServer
) -> BotSettings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return BotSettings.model_validate(
        {
            "database": {"url": database_settings.url},
            "discord": {"token": TOKEN, "api_base": discord_server.api_base},
            "llm": {"base_url": model.base_url, "model": "offline-1", "attempts": 1},
            "metrics": {"port": port},
        }
    )


async def page(app: App, path: str) -> HttpAnswer:
    url = app.settings.metrics.url
    async with HttpSessions.open(app.settings.http, trusted_origins=[url]) as http:
        return await http.trusted.get(f"{url}/{path}", read_timeout_s=5)


async def health(app: App) -> Any:
    return json.loads((await page(app, "healthz")).body)


async def breakers(settings: BotSettings) -> tuple[bool, str]:
    [found] = await examine(settings, only=["breakers"])
    return found.good, found.detail


async def test_a_bot_tells_whether_it_is_well_and_how_its_models_do(
    settings: BotSettings, discord_server: DiscordServer
) -> None:
    assert await breakers(settings) == (True, f"no bot with these settings answers at {settings.metrics.url}")
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings))
        assert await health(app) == {
            "ok": False,
            "database": "ok",
            "gateway": "not connected",
            "notify": "ok",
            "breakers": {},
            "untold_alerts": 0,
        }
        assert (await page(app, "healthz")).status == 503
        task = asyncio.create_task(run(app.bot, settings.discord, backoff=Backoff(first_s=0.01)))
        try:
            await discord_server.until(identified=1)
            await app.bot.wait_until_ready()
            assert (await health(app))["ok"]
            await ask_until_it_is_left_alone(app)
            said = (await page(app, "metrics")).body.decode()
            told = (await health(app))["breakers"]
            assert await breakers(settings) == (False, f"{which(settings)} is open")
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert (await health(app))["gateway"] == "not connected"
    assert told == {which(settings): "open"}
    assert f'womp_llm_breaker_state{{address="{settings.llm.base_url}",model="offline-1"}} 2.0' in said
    assert 'womp_llm_calls_total{model="offline-1",outcome="ok",provider="127.0.0.1"} 1.0' in said
    assert f'womp_http_requests{{origin="{settings.llm.base_url.removesuffix("/v1")}"}} 6.0' in said


async def test_a_port_that_is_taken_is_told_with_what_to_set(settings: BotSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.metrics.port))
        taken.listen()
        with pytest.raises(PortTaken) as caught:
            async with open_app(settings):
                pytest.fail("somebody else listens there")
    assert "metrics.port" in caught.value.hint


def which(settings: BotSettings) -> str:
    return f"offline-1 at {settings.llm.base_url}"


async def ask_until_it_is_left_alone(app: App) -> None:
    request = ChatRequest((Message("user", "hi"),), Attribution(Purpose.CHAT))
    assert (await app.core.llm.complete(request)).text
    for _ in range(5):
        with pytest.raises(ModelUnavailable):
            await app.core.llm.complete(request)
