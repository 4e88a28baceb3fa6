"""A message that changes while it is checked, at every moment, ends as one that changed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from claim_process import BOB, NOW, Process, ScriptedJudge, said
from wompcore.db import Database
from wompcore.events import MessageEdited

NEW = "They will surely win that title again, by next year"
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
    bot: Process, judge: ScriptedJudge, moment: str, change: Callable[[], None], withdraws: bool
) -> None:
    """Have a message checked and changed at that moment; who withdraws is held up by nobody's lock."""
    await bot.db.execute("INSERT INTO people (id, name) VALUES (%s, 'bob')", [BOB])
    judge.may_answer.clear()
    if moment == "waiting to begin" and not withdraws:
        async with author_held(bot.db):
            bot.watcher.offer(said(1))
            await until(lambda: someone_waits(bot.db))
            change()
    elif moment == "waiting to begin":
        bot.watcher.offer(said(1))
        change()
    else:
        bot.watcher.offer(said(1))
        await until(lambda: asyncio.sleep(0, bool(judge.asked)))
        if moment == "the model thinks":
            change()
        elif moment == "being stored":
            async with author_held(bot.db):
                judge.may_answer.set()
                await until(lambda: someone_waits(bot.db))
                change()
    judge.may_answer.set()
    await bot.watcher.settled()
    if moment == "over":
        change()
    await bot.watcher.settled()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_an_edit_reaches_the_claim(bot: Process, judge: ScriptedJudge, moment: str) -> None:
    edit = MessageEdited(said(1).id, NEW, BOB, NOW)
    await checked(bot, judge, moment, lambda: bot.watcher.edited(edit), withdraws=False)
    [claim] = await bot.claims()
    assert (claim.text, [each.text for each in claim.edits]) == (NEW, [NEW])


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_deletion_leaves_nothing_to_see_or_to_learn_from(
    bot: Process, judge: ScriptedJudge, moment: str
) -> None:
    await checked(bot, judge, moment, lambda: bot.watcher.deleted([said(1).id]), withdraws=False)
    assert await bot.claims() == []
    assert await bot.db.fetch_value("SELECT count(*) FROM claim_lessons") == 0


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_withdrawal_leaves_nothing_to_see_or_to_learn_from(
    bot: Process, judge: ScriptedJudge, moment: str
) -> None:
    leaving: list[asyncio.Task[bool]] = []

    def withdraw() -> None:
        leaving.append(asyncio.create_task(bot.gate.withdraw(BOB, method="test")))

    await checked(bot, judge, moment, withdraw, withdraws=True)
    await asyncio.gather(*leaving)
    await bot.watcher.settled()
    assert await bot.claims() == []
    for table in ("claim_lessons", "claim_checks", "claim_cooldowns"):
        assert await bot.db.fetch_value(f"SELECT count(*) FROM {table}") == 0
