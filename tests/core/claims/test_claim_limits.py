"""How often the model is asked: the same for all processes, and whatever restarts."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from wompcore.db import Database
from wompcore.errors import LimitReached
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COOLDOWN = 300.0


def said(number: int, *, author: int = 1, guild: int = 10, after_s: float = 0) -> ChatMessage:
    at = NOON + timedelta(seconds=after_s)
    return ChatMessage(snowflake_at(at, number), 20, author, "p", f"text {number}", guild)


async def outcome(claims: ClaimRepository, message: ChatMessage, **limits: float | bool) -> str:
    try:
        return "begun" if await claims.begin_check(message, **limits) else "repeated"  # type: ignore[arg-type] # the limits by their names
    except LimitReached:
        return "held back"


async def test_a_person_is_checked_once_within_the_cooldown_however_many_processes_ask(db: Database) -> None:
    asked = (outcome(ClaimRepository(db), said(n), cooldown_s=COOLDOWN) for n in range(12))
    outcomes = await asyncio.gather(*asked)
    assert sorted(outcomes) == ["begun", *["held back"] * 11]


async def test_a_guild_has_so_many_checks_a_day_however_many_processes_ask(db: Database) -> None:
    asked = (outcome(ClaimRepository(db), said(n, author=n), daily_cap=5) for n in range(1, 21))
    assert (await asyncio.gather(*asked)).count("begun") == 5
    assert await outcome(ClaimRepository(db), said(50, author=50, guild=11), daily_cap=5) == "begun"
    assert await outcome(ClaimRepository(db), said(51, author=51, after_s=86_400), daily_cap=5) == "begun"


async def test_the_cooldown_goes_by_the_messages_own_time_in_any_order(db: Database) -> None:
    claims = ClaimRepository(db)
    times = [1000, 1299, 701, 1300, 700]
    outcomes = [await outcome(claims, said(n, after_s=at), cooldown_s=COOLDOWN) for n, at in enumerate(times)]
    assert outcomes == ["begun", "held back", "held back", "begun", "begun"]


async def test_no_cap_means_no_check(db: Database) -> None:
    assert await outcome(ClaimRepository(db), said(1), daily_cap=0) == "held back"
    assert await db.fetch_value("SELECT count(*) FROM claim_checks") == 0


async def test_a_repeated_message_uses_nothing_up(db: Database) -> None:
    claims = ClaimRepository(db)
    for _ in range(3):
        await outcome(claims, said(1), daily_cap=2, cooldown_s=COOLDOWN)
    assert await db.fetch_value("SELECT checks FROM claim_days") == 1


async def test_a_failed_check_gives_back_what_it_took(db: Database) -> None:
    claims = ClaimRepository(db)
    assert await outcome(claims, said(1), daily_cap=1, cooldown_s=COOLDOWN) == "begun"
    await claims.end_check(said(1).id, "failed")
    await claims.end_check(said(1).id, "failed")
    assert await outcome(claims, said(2), daily_cap=1, cooldown_s=COOLDOWN) == "begun"
    assert await outcome(claims, said(3, author=3), daily_cap=1) == "held back"


async def test_an_exploring_check_heeds_the_cooldown_and_takes_no_place(db: Database) -> None:
    claims = ClaimRepository(db)
    assert await outcome(claims, said(1), explored=True, cooldown_s=COOLDOWN) == "begun"
    assert await outcome(claims, said(2), cooldown_s=COOLDOWN) == "begun"
    assert await outcome(claims, said(3), explored=True, cooldown_s=COOLDOWN) == "held back"


async def test_exploring_has_a_cap_of_its_own_within_the_guilds(db: Database) -> None:
    claims = ClaimRepository(db)
    explored = [
        await outcome(claims, said(n, author=n), explored=True, explore_cap=2, daily_cap=3)
        for n in range(1, 5)
    ]
    assert explored == ["begun", "begun", "held back", "held back"]
    assert await outcome(claims, said(5, author=5), explore_cap=2, daily_cap=3) == "begun"
    assert await outcome(claims, said(6, author=6), explore_cap=2, daily_cap=3) == "held back"
    explorable = await db.fetch_all("SELECT explorable FROM claim_checks ORDER BY message_id")
    assert explorable == [(True,), (True,), (False,)]


async def test_limits_that_hold_nobody_back_are_forgotten(db: Database) -> None:
    claims = ClaimRepository(db)
    await outcome(claims, said(1), cooldown_s=COOLDOWN)
    await claims.forget_limits(NOON + timedelta(days=1))
    assert await outcome(claims, said(2), cooldown_s=COOLDOWN) == "held back"
    await claims.forget_limits(NOON + timedelta(days=60))
    assert await db.fetch_value("SELECT count(*) FROM claim_cooldowns") == 0
    assert await db.fetch_value("SELECT count(*) FROM claim_days") == 0


@pytest.mark.parametrize(("on", "due"), [(date(2027, 3, 31), []), (date(2027, 4, 1), [1])])
async def test_a_prediction_is_due_when_its_day_is_over(db: Database, on: date, due: list[int]) -> None:
    claims = ClaimRepository(db)
    for number, due_on in enumerate([date(2027, 3, 31), date(2027, 4, 1), None]):
        message = said(number)
        assert await claims.begin_check(message)
        assert await claims.store(
            message, text="t", kind="prediction", confidence="certain", horizon="by march",
            due_on=due_on,
        )  # fmt: skip
    found = await claims.due.by(10, on)
    assert [claim.id for claim in found] == due
    assert await claims.due.by(11, on) == []
    for claim in found:
        assert (claim.horizon, claim.due_on) == ("by march", date(2027, 3, 31))
        await claims.receipts.rule(10, claim.id, "true", by_id=9, at=NOON)
    assert await claims.due.by(10, on) == []
