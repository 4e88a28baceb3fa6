"""Several messages in one call: each fenced and numbered, each answer believed for its own message only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from claim_process import ANN, BOB, FOUND, GUILD, TEXT, Process, ScriptedJudge, process, said, until
from wompcore.claims.check import Check
from wompcore.claims.verify import ClaimPrompt, Shown
from wompcore.claims.waiting import WaitingChecks
from wompcore.config import DatabaseSettings
from wompcore.llm.estimate import expected
from wompcore.llm.offline import offline_server


@pytest.fixture
async def together(database_settings: DatabaseSettings, base_url: str) -> AsyncIterator[Process]:
    """A process that waits for more messages for as long as a test takes, unless it is asked to settle."""
    async with process(
        database_settings, base_url, batch=8, gather_s=60, person_cooldown_s=0, guild_daily_cap=20
    ) as opened:
        yield opened


def claim(number: int, **changes: Any) -> dict[str, Any]:
    found = {**FOUND, "claim_text": f"They never win that title by {2030 + number}", **changes}
    return {**found, "number": number}


def texts(count: int) -> list[str]:
    return [f"{TEXT} by {2030 + number}" for number in range(1, count + 1)]


async def offer(bot: Process, count: int = 3) -> None:
    await bot.offer(*(said(n, text, author=100 + n) for n, text in enumerate(texts(count), 1)))


async def test_messages_that_wait_are_put_to_the_model_in_one_call(
    together: Process, judge: ScriptedJudge
) -> None:
    judge.answers = [json.dumps({"answers": [claim(3), claim(1), claim(2, is_trackable=False)]})]
    await offer(together)
    assert sorted(each.text for each in await together.claims()) == [
        "They never win that title by 2031",
        "They never win that title by 2033",
    ]
    assert await together.outcomes() == ["claim", "no claim", "claim"]
    [asked] = judge.asked
    assert asked["max_tokens"] == 900
    for text in texts(3):
        assert f">\n{text}\n</outside-text" in judge.shown()
    counts = together.watcher.counts
    assert (counts.checked, counts.llm_calls, counts.stored) == (3, 1, 2)
    booked = await together.db.fetch_one("SELECT guild_id, person_id, message_id FROM cost_entries")
    assert booked == (GUILD, None, None)


@pytest.mark.parametrize(
    "answer",
    [
        "nothing of the kind",
        json.dumps({"answers": [claim(1), claim(2)]}),
        json.dumps({"answers": [claim(1), claim(2), claim(2)]}),
        json.dumps({"answers": [claim(0), claim(1), claim(2)]}),
        json.dumps({"answers": [claim(1), claim(2), claim(3), claim(4)]}),
        json.dumps({"answers": [claim(1), claim(2), claim(3, claim_type="gossip")]}),
        json.dumps({"answers": [claim(1), claim(2), claim(3, claim_text="ann owes bob a boat and a house")]}),
    ],
)
async def test_an_answer_to_several_that_does_not_fit_is_asked_for_one_by_one(
    together: Process, judge: ScriptedJudge, answer: str
) -> None:
    judge.answers = [answer]
    await offer(together)
    assert len(judge.asked) == 4
    assert len(await together.claims()) == 3
    assert {each.text for each in await together.claims()} == {"They never win the title"}
    assert together.watcher.counts.checked == 3


async def test_a_model_that_is_down_is_not_asked_one_by_one(together: Process, judge: ScriptedJudge) -> None:
    judge.answers = [500]
    await offer(together)
    assert len(judge.asked) == 1
    assert await together.outcomes() == ["failed"] * 3
    assert together.watcher.counts.failed == 3


async def test_who_withdraws_meanwhile_is_in_no_call_and_keeps_no_trace(
    together: Process, judge: ScriptedJudge
) -> None:
    for number, text in enumerate(texts(3), 1):
        together.watcher.offer(said(number, text, author=100 + number))
    await together.gate.withdraw(102, method="test")
    judge.answers = [json.dumps({"answers": [claim(1), {**claim(3), "number": 2}]})]
    await together.watcher.settled()
    assert texts(3)[1] not in json.dumps(judge.asked)
    assert len(await together.claims()) == 2
    assert await together.db.fetch_value("SELECT count(*) FROM claim_checks WHERE author_id = 102") == 0


async def test_servers_are_never_asked_about_in_one_call(together: Process, judge: ScriptedJudge) -> None:
    await together.offer(said(1, texts(2)[0]), said(2, texts(2)[1], author=ANN, guild=11))
    assert len(judge.asked) == 2


async def test_the_best_are_checked_first_when_the_day_is_short(
    database_settings: DatabaseSettings, base_url: str, judge: ScriptedJudge
) -> None:
    weak = "in that league a club always buys the cup with its money"
    strong = "I guarantee that they will never win that title again, I promise"
    async with process(database_settings, base_url, batch=8, gather_s=60, guild_daily_cap=1) as bot:
        bot.watcher.offer(said(1, weak), threshold="thorough")
        assert bot.watcher.counts.fires == 1
        await bot.offer(said(2, strong, author=ANN))
        assert strong in judge.shown()
        assert bot.watcher.counts.held_back == 1


async def test_the_best_of_a_person_is_checked_when_they_say_several_things(
    database_settings: DatabaseSettings, base_url: str, judge: ScriptedJudge
) -> None:
    strong = "I guarantee that they will never win that title again, I promise"
    async with process(database_settings, base_url, gather_s=60, batch=8) as bot:
        await bot.offer(said(1, TEXT, author=BOB), said(2, strong, author=BOB, after_s=9))
        assert strong in judge.shown()
        assert len(judge.asked) == 1


def test_asking_together_saves_more_than_half_of_the_prompt() -> None:
    prompt = ClaimPrompt()
    shown = [Shown(said(n, text), "", said(n).at.date()) for n, text in enumerate(texts(8), 1)]
    alone = sum(expected(prompt.request(each)).input for each in shown)
    assert expected(prompt.batch(shown)).input < alone / 2


async def test_the_offline_model_answers_several_at_once(database_settings: DatabaseSettings) -> None:
    async with (
        offline_server() as server,
        process(database_settings, server.base_url, gather_s=60, batch=8) as bot,
    ):
        await offer(bot)
        assert bot.watcher.counts.llm_calls == 1
        assert {each.text for each in await bot.claims()} == {*texts(3)}


def check(number: int, score: float, guild: int = GUILD) -> Check:
    return Check(said(number, guild=guild), score=score)


async def test_of_too_many_that_wait_the_worst_goes() -> None:
    waiting = WaitingChecks(2, 8, 0)
    assert waiting.put(check(1, 0.5)) is None
    assert waiting.put(check(2, 0.9)) is None
    worst = waiting.put(check(3, 0.7))
    assert worst
    assert worst.score == 0.5
    assert waiting.put(low := check(4, 0.1)) is low
    assert [each.score for each in await waiting.take()] == [0.9, 0.7]


async def test_a_batch_is_the_best_and_others_of_its_guild() -> None:
    waiting = WaitingChecks(9, 2, 0)
    for number, (score, guild) in enumerate([(0.4, 1), (0.9, 2), (0.5, 1), (0.45, 2), (0.6, 2)]):
        waiting.put(check(number, score, guild))
    assert [each.score for each in await waiting.take()] == [0.9, 0.6]
    assert [each.score for each in await waiting.take()] == [0.5, 0.4]
    assert [each.score for each in await waiting.take()] == [0.45]


async def test_waiting_is_over_when_everything_is_done_or_given_up() -> None:
    waiting = WaitingChecks(9, 8, 60)
    await waiting.settled()
    waiting.put(check(1, 0.5))
    settled = asyncio.create_task(waiting.settled())
    taken = await waiting.take()  # at once: somebody waits
    waiting.put(check(2, 0.5))
    waiting.done(len(taken))
    assert not settled.done()
    assert len(waiting.give_up()) == 1
    await settled


async def test_a_message_waits_for_company_and_not_forever(
    database_settings: DatabaseSettings, base_url: str, judge: ScriptedJudge
) -> None:
    async with process(database_settings, base_url, gather_s=0.01) as bot:
        bot.watcher.offer(said(1))
        await until(lambda: bot.watcher.counts.stored)
