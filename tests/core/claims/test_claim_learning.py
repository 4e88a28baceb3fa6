"""Lessons, exploring and what is learned, on a real database and in several processes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from claim_process import ANN, BOB, FOUND, GUILD, TEXT, Process, ScriptedJudge, process, said, until
from wompcore.claims import Screen
from wompcore.clock import SystemClock
from wompcore.config import DatabaseSettings
from wompcore.costs import Budgets
from wompcore.db import Database
from wompcore.events import ChatMessage
from wompcore.jobs import Jobs
from wompcore.privacy import Privacy
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.costs_budgets import Budget, BudgetRepository
from wompcore.repos.holders import CORE_HOLDERS, HolderRepository
from wompcore.repos.personal_data import PersonalDataRepository

PLAIN = "we went to the harbour yesterday and looked at boats"
NO_CLAIM = json.dumps({**FOUND, "is_trackable": False})


@pytest.fixture
async def curious(database_settings: DatabaseSettings, base_url: str) -> AsyncIterator[Process]:
    """A process that checks a tenth of what does not fire."""
    async with process(
        database_settings, base_url, explore_share=0.1, person_cooldown_s=0, explore_daily_cap=500,
        guild_daily_cap=1000,
    ) as opened:  # fmt: skip
        yield opened


def picked(bot: Process, count: int, *, author: int = BOB) -> list[ChatMessage]:
    """Return plain messages that are picked to be explored."""
    every = (said(n, f"{PLAIN}, number {n}", author=author) for n in range(100, 100_000))
    found = (message for message in every if bot.watcher.learning.picks(message.id))
    return [next(found) for _ in range(count)]


async def lessons(bot: Process) -> list[tuple[object, ...]]:
    return await bot.db.fetch_all("SELECT fired, is_claim, share FROM claim_lessons ORDER BY message_id")


async def test_a_verdict_is_kept_as_numbers_with_the_message_id_and_no_text(bot: Process) -> None:
    await bot.offer(said(1))
    row = await bot.db.fetch_one("SELECT * FROM claim_lessons")
    assert row
    screen = Screen.shipped()
    assert row == (
        said(1).id, GUILD, BOB, list(screen.features(TEXT)), screen.judge(TEXT).score, True, 0.0, True,
    )  # fmt: skip
    assert not any(isinstance(value, str) for value in row)


async def test_messages_are_picked_by_chance_and_always_the_same(curious: Process) -> None:
    picks = curious.watcher.learning.picks
    count = sum(picks(said(n).id) for n in range(20_000))
    assert abs(count - 2000) < 4 * (20_000 * 0.1 * 0.9) ** 0.5
    assert [picks(said(n).id) for n in range(500)] == [picks(said(n).id) for n in range(500)]


async def test_what_is_picked_is_checked_and_tells_what_was_missed(
    curious: Process, judge: ScriptedJudge
) -> None:
    messages = picked(curious, 3)
    judge.answers = [NO_CLAIM, json.dumps(FOUND), NO_CLAIM]
    await curious.offer(*messages)
    assert sorted(await lessons(curious)) == [(False, False, 0.1), (False, False, 0.1), (False, True, 0.1)]
    found = await curious.watcher.learning.worth(GUILD)
    assert (found.tally.explored, found.tally.misses, found.tally.missed) == (3, 1, pytest.approx(10))
    assert len(await curious.claims()) == 1


async def test_who_does_not_want_to_learn_is_neither_explored_nor_kept(
    curious: Process, judge: ScriptedJudge
) -> None:
    for message in (*picked(curious, 3), replace(said(1), text=TEXT)):
        curious.watcher.offer(message, learns=False)
    await curious.watcher.settled()
    assert len(judge.asked) == 1
    assert await lessons(curious) == []


async def test_hits_count_for_recall_only_while_there_is_room_to_explore(
    database_settings: DatabaseSettings, base_url: str, judge: ScriptedJudge
) -> None:
    async with process(
        database_settings, base_url, explore_share=0.1, explore_daily_cap=1, person_cooldown_s=0
    ) as bot:
        await bot.offer(said(1))
        await bot.offer(*picked(bot, 2, author=ANN))
        await bot.offer(said(2, f"{TEXT} by 2031"))
        assert bot.watcher.counts.held_back == 1
        found = (await bot.watcher.learning.worth(GUILD)).tally
        assert (found.hits, found.comparable_hits, found.explored) == (2, 1, 1)


async def test_exploring_stops_with_the_budget_for_what_nobody_waits_for(
    curious: Process, judge: ScriptedJudge
) -> None:
    budgets = Budgets(BudgetRepository(curious.db), SystemClock())
    await budgets.set(
        Budget("guild", str(GUILD), action="refuse", amount=Decimal(9), background_amount=Decimal(0))
    )
    await curious.offer(*picked(curious, 1))
    assert curious.watcher.counts.unpaid == 1
    assert judge.asked == []
    assert await lessons(curious) == []


async def test_opting_out_and_deletions_take_lessons_and_what_was_learned_along(curious: Process) -> None:
    await curious.offer(said(1), said(2, f"{TEXT} by 2031", author=ANN), *picked(curious, 1, author=ANN))
    await teach_by_hand(curious.db)
    await curious.gate.withdraw(BOB, method="test")
    assert len(await lessons(curious)) == 2
    assert await curious.db.fetch_value("SELECT weights FROM claim_learning") == {}
    await teach_by_hand(curious.db)
    curious.watcher.deleted([said(2).id, picked(curious, 1)[0].id])
    await curious.watcher.settled()
    assert await lessons(curious) == []
    assert await curious.db.fetch_value("SELECT weights FROM claim_learning") == {}


async def test_erasing_a_person_takes_their_lessons_along(curious: Process) -> None:
    await curious.offer(said(1))
    await teach_by_hand(curious.db)
    async with Jobs.open(curious.db) as jobs:
        data = PersonalDataRepository(curious.db)
        holders = HolderRepository(curious.db)
        await holders.declare(CORE_HOLDERS)
        privacy = Privacy(data, holders, curious.gate, jobs, SystemClock())
        exported = [line async for line in privacy.export(BOB, by_id=BOB)]
        assert any('"public.claim_lessons"' in line and '"features"' in line for line in exported)
        await privacy.erase(BOB, by_id=BOB)
    assert await lessons(curious) == []
    assert await curious.db.fetch_value("SELECT weights FROM claim_learning") == {}


async def test_withdrawing_while_the_model_thinks_teaches_nothing(bot: Process, judge: ScriptedJudge) -> None:
    judge.may_answer.clear()
    bot.watcher.offer(said(1))
    await until(lambda: judge.asked)
    await bot.gate.withdraw(BOB, method="test")
    judge.may_answer.set()
    await bot.watcher.settled()
    assert await lessons(bot) == []


async def teach_by_hand(db: Database) -> None:
    await db.execute("UPDATE claim_learning SET weights = '{\"1\": 0.5}', learned = revision")


async def school(bot: Process, count: int = 120) -> None:
    """Have the model say no to every line of one kind and yes to every other."""
    book = ClaimRepository(bot.db)
    screen = Screen.shipped()
    for number in range(count):
        is_claim = number % 2 == 0
        subject = "price of bread" if is_claim else "referee of that match"
        text = f"the {subject} is always a percent higher than {number} in every country"
        message = said(number, text, author=1000 + number)
        assert await book.begin_check(message)
        assert await book.lessons.add(
            message.id, message.author_id, features=screen.features(text), score=screen.judge(text).score,
            fired=True, share=0.005, is_claim=is_claim, told_on=book.channel,
        )  # fmt: skip


async def test_what_a_server_learned_works_in_every_process_and_only_there(
    database_settings: DatabaseSettings, base_url: str
) -> None:
    text = "the referee of that match is always a percent higher than 7 in every country"
    async with process(database_settings, base_url) as one, process(database_settings, base_url) as other:
        await school(one)
        assert await one.watcher.learning.learn() == 1
        for bot in (one, other):
            learning = bot.watcher.learning
            await until(lambda learning=learning: learning.live(GUILD))
            shipped = learning.screen(GUILD, learns=False).judge(text).score
            assert learning.screen(GUILD).judge(text).score < shipped
            assert learning.screen(11).judge(text).score == shipped
        assert await one.watcher.learning.learn() == 0  # nothing new
        await other.watcher.learning.reset(GUILD)
        await until(lambda: not one.watcher.learning.live(GUILD))
        assert (await one.watcher.learning.worth(GUILD)).tally.fired == 0


async def test_what_was_learned_is_there_after_a_restart_and_rebuilt_without_who_left(
    database_settings: DatabaseSettings, base_url: str
) -> None:
    async with process(database_settings, base_url) as first:
        await school(first)
        await first.watcher.learning.learn()
    async with process(database_settings, base_url) as second:
        assert second.watcher.learning.live(GUILD)
        before = (await second.db.fetch_all("SELECT weights FROM claim_learning"))[0][0]
        await second.gate.withdraw(1000, method="test")
        await until(lambda: not second.watcher.learning.live(GUILD))
        assert await second.watcher.learning.learn() == 1
        await until(lambda: second.watcher.learning.live(GUILD))
        assert (await second.db.fetch_all("SELECT weights FROM claim_learning"))[0][0] != before


async def test_lessons_that_change_while_learning_are_learned_anew(bot: Process) -> None:
    await school(bot, 60)
    book = ClaimRepository(bot.db).lessons
    [(guild_id, revision)] = await book.stale()
    await bot.db.execute("DELETE FROM claim_lessons WHERE author_id = 1000")
    assert not await book.learned(guild_id, revision, {1: 0.5})
    assert await book.weights() == {}
    assert len(await book.stale()) == 1


async def test_old_lessons_are_forgotten(bot: Process) -> None:
    await bot.offer(
        said(1), said(2, f"{TEXT} by 2031", author=ANN, after_s=-timedelta(days=91).total_seconds())
    )
    await bot.watcher.learning.learn()
    assert len(await lessons(bot)) == 1


async def test_nobody_teaches_a_server_alone(bot: Process) -> None:
    await school(bot, 10)
    await bot.db.execute(
        "INSERT INTO claim_lessons SELECT 900000 + n, %s, 5, '{1}', 0.5, true, 0, true"
        " FROM generate_series(1, 250) n",
        [GUILD],
    )
    assert len(await ClaimRepository(bot.db).lessons.of(GUILD)) == 210
