"""A claim watcher as one process of the bot has it, and a model that answers what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from wompcore.claims import ClaimWatcher
from wompcore.clock import SystemClock
from wompcore.config import ClaimSettings, CostSettings, DatabaseSettings, HttpSettings, LlmSettings, Price
from wompcore.consent import Gate
from wompcore.costs import Ledger, PriceBook
from wompcore.db import Database, Listener
from wompcore.events import ChatMessage
from wompcore.http import HttpSessions
from wompcore.ids import EntryIds, snowflake_at
from wompcore.llm import ChatClient, OpenAiStyle
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.consents import CHANNEL, ConsentRepository
from wompcore.repos.costs import CostRepository
from wompcore.repos.receipts import Claim

NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
GUILD, ROOM, BOB, ANN = 10, 20, 1, 2
TEXT = "They will never win that title again"
FOUND = {
    "is_trackable": True,
    "claim_text": "They never win the title",
    "claim_type": "prediction",
    "confidence_level": "certain",
    "reasoning": "firm",
}


def said(
    number: int,
    text: str = TEXT,
    *,
    author: int = BOB,
    guild: int | None = GUILD,
    after_s: float = 0,
    **flags: bool,
) -> ChatMessage:
    at = NOW + timedelta(seconds=after_s)
    return ChatMessage(snowflake_at(at, number), ROOM, author, f"person{author}", text, guild, **flags)


class ScriptedJudge:
    """An OpenAI-compatible endpoint that answers what the test wants, when the test wants."""

    def __init__(self) -> None:
        self.answers: list[str | int] = []
        self.asked: list[dict[str, Any]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(json.loads(await request.read()))
        await self.may_answer.wait()
        answer = self.answers.pop(0) if self.answers else json.dumps(FOUND)
        if isinstance(answer, int):
            return web.Response(status=answer)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        return web.json_response({"id": "1", "model": "m", "choices": [choice], "usage": usage})

    def shown(self, index: int = -1) -> str:
        return str(self.asked[index]["messages"][-1]["content"])


@dataclass
class Process:
    """What one process of the bot has for claims."""

    db: Database
    gate: Gate
    watcher: ClaimWatcher

    async def offer(self, *messages: ChatMessage) -> None:
        for message in messages:
            self.watcher.offer(message)
        await self.watcher.settled()

    async def claims(self, guild: int = GUILD) -> list[Claim]:
        return list((await self.watcher.receipts.page(guild)).claims)

    async def outcomes(self) -> list[str]:
        return [
            row[0] for row in await self.db.fetch_all("SELECT outcome FROM claim_checks ORDER BY message_id")
        ]


@asynccontextmanager
async def process(settings: DatabaseSettings, base_url: str, **limits: Any) -> AsyncIterator[Process]:
    clock = SystemClock()
    limits = {"batch": 1, "gather_s": 0, "explore_share": 0} | limits
    llm = LlmSettings(base_url=base_url, model="m", attempts=1)
    prices = CostSettings(default_price=Price(input=1, output=1))
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        db = await enter(Database.open(settings))
        listener = await enter(Listener.open(db))
        gate = await enter(Gate.open(ConsentRepository(db), listener, clock, channel=CHANNEL))
        http = await enter(HttpSessions.open(HttpSettings(), trusted_origins=[base_url]))
        ledger = Ledger(CostRepository(db), PriceBook.shipped(prices), EntryIds(1), clock)
        stack.push_async_callback(ledger.close)
        client = ChatClient(OpenAiStyle(http.trusted, llm), llm, ledger)
        watcher = await enter(
            ClaimWatcher.open(ClaimRepository(db), client, gate, ClaimSettings(**limits), clock, listener)
        )
        yield Process(db, gate, watcher)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 # conditions of other tasks and processes set no event
            await asyncio.sleep(0.005)
