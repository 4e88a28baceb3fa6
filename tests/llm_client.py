"""A client on a real ledger, talking to the offline server over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest

from wompcore.clock import Clock, SystemClock
from wompcore.config import CostSettings, HttpSettings, LlmSettings
from wompcore.costs import Ledger, PriceBook
from wompcore.db import Database
from wompcore.http import HttpSessions, Traffic
from wompcore.ids import EntryIds
from wompcore.llm import ChatClient, ChatRequest, Message, OpenAiStyle
from wompcore.repos.costs import CostRepository
from wompcore.usage import Attribution, Purpose

FOR = Attribution(Purpose.CHAT, person_id=7)


def asking(text: str = "who are you?", **more: Any) -> ChatRequest:
    return ChatRequest((Message("user", text),), FOR, **more)


@dataclass
class Client:
    """The client and what a test wants to know about it."""

    chat: ChatClient
    traffic: Traffic
    waits: list[float]
    http: HttpSessions
    settings: LlmSettings


OpenClient = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
async def ledger(db: Database) -> AsyncIterator[Ledger]:
    costs = CostSettings.model_validate({"default_price": {"input": "1", "output": "2"}})
    ledger = Ledger(CostRepository(db), PriceBook.shipped(costs), EntryIds(1), SystemClock())
    yield ledger
    await ledger.close()


@pytest.fixture
def open_client(ledger: Ledger) -> OpenClient:
    @asynccontextmanager
    async def opened(
        base_url: str,
        *,
        clock: Clock | None = None,
        pay: Ledger = ledger,
        parts: Mapping[str, Any] = MappingProxyType({}),
        **settings: Any,
    ) -> AsyncIterator[Client]:
        llm = LlmSettings.model_validate({"base_url": base_url, "model": "offline-1", **settings})
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        async with HttpSessions.open(HttpSettings(), trusted_origins=[base_url]) as http:
            provider = OpenAiStyle(http.trusted, llm, clock)
            chat = ChatClient(provider, llm, pay, clock, sleep=sleep, chance=lambda: 0.5, **parts)
            [traffic] = http.trusted.traffic.values()
            yield Client(chat, traffic, waits, http, llm)

    return opened
