"""A message that changes while it is checked, at every moment, ends as one that changed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from claim_process import BOB, NOW, Process, ScriptedJudge, said
from wompcore.db import Database
from wompcore.events import ChatMessage, MessageEdited

NEW = "They will surely win that title again, by next year"
Change = Callable[[ChatMessage], None]
MOMENTS = ("waiting to begin", "the model thinks", "being stored", "over")


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(15):
        while not await holds():  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.005)


async def someone_waits(db: Database) -> bool:
    query = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    return bool(await db.fetch_value(query))


@asynccontextmanager
async def author_held(db: Database) -> AsyncIterator[None]:
    """Hold up every statement that writes for bob."""
    async with db.transaction() as connection:
        await connection.execute("SELECT FROM people WHERE id = %s FOR UPDATE", [BOB])
        yield


async def checked(
    bot: Process, judge: ScriptedJudge, message: ChatMessage, moment: str, change: Change
) -> None:
    """Have a message checked, and changed at that moment."""
    judge.may_answer.clear()
    asked = len(judge.asked)
    if moment == "waiting to begin":
        async with author_held(bot.db):
            bot.watcher.offer(message)
            await until(lambda: someone_waits(bot.db))
            change(message)
    else:
        bot.watcher.offer(message)
        await until(lambda: asyncio.sleep(0, len(judge.asked) > asked))
    if moment == "the model thinks":
        change(message)
    elif moment == "being stored":
        async with author_held(bot.db):
            judge.may_answer.set()
            await until(lambda: someone_waits(bot.db))
            change(message)
    judge.may_answer.set()
    await bot.watcher.settled()
    if moment == "over":
        change(message)
        await bot.watcher.settled()


async def each_moment(bot: Process, judge: ScriptedJudge, change: Change) -> None:
    await bot.db.execute("INSERT INTO people (id, name) VALUES (%s, 'bob')", [BOB])
    for number, moment in enumerate(MOMENTS):
        message = said(number, f"They will never win that title again, number {number}")
        await checked(bot, judge, message, moment, change)


async def test_an_edit_reaches_the_claim(eager: Process, judge: ScriptedJudge) -> None:
    await each_moment(
        eager, judge, lambda message: eager.watcher.edited(MessageEdited(message.id, NEW, BOB, NOW))
    )
    claims = await eager.claims()
    assert [(claim.text, [each.text for each in claim.edits]) for claim in claims] == [(NEW, [NEW])] * 4


async def test_a_deletion_leaves_nothing_to_see_or_to_learn_from(
    eager: Process, judge: ScriptedJudge
) -> None:
    await each_moment(eager, judge, lambda message: eager.watcher.deleted([message.id]))
    assert await eager.claims() == []
    assert await eager.db.fetch_value("SELECT count(*) FROM claim_lessons") == 0


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_withdrawal_leaves_nothing_to_see_or_to_learn_from(
    bot: Process, judge: ScriptedJudge, moment: str
) -> None:
    leaving: list[asyncio.Task[bool]] = []

    def withdraw(message: ChatMessage) -> None:
        leaving.append(asyncio.create_task(bot.gate.withdraw(message.author_id, method="test")))

    await bot.db.execute("INSERT INTO people (id, name) VALUES (%s, 'bob')", [BOB])
    await checked(bot, judge, said(1), moment, withdraw)
    await asyncio.gather(*leaving)
    assert await bot.claims() == []
    for table in ("claim_lessons", "claim_checks", "claim_cooldowns"):
        assert await bot.db.fetch_value(f"SELECT count(*) FROM {table}") == 0
