"""Hot takes at work: real database, real listener, a model over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from wompcore.claims import FoundClaim
from wompcore.config import CoreSettings, DatabaseSettings
from wompcore.core import Core
from wompcore.events import ChatMessage, ReactionChanged
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository
from wompcore.testing.model import ScriptedModel

GUILD, CHANNEL, BOB, ANN, CARL = 10, 20, 1, 2, 3
SPICY = "Hot take: tabs are better than spaces"


def settings(
    database: DatabaseSettings, model: ScriptedModel | None = None, pause_s: float = 600
) -> CoreSettings:
    url = model.base_url if model else "http://127.0.0.1:9/v1"
    return CoreSettings.model_validate(
        {
            "database": database,
            "llm": {"base_url": url, "model": "offline-1", "attempts": 1},
            "claims": {"reactions_pause_s": pause_s},
        }
    )


@asynccontextmanager
async def process(of: CoreSettings) -> AsyncIterator[Core]:
    async with Core.open(of) as core:
        yield core


def said(core: Core, number: int = 1, text: str = SPICY, **flags: bool) -> ChatMessage:
    at = core.clock.now() - timedelta(minutes=5)
    return ChatMessage(snowflake_at(at, number), CHANNEL, BOB, "bob", text, GUILD, **flags)


def reaction(message_id: int, emoji: str = "👍", change: str = "added", person: int = ANN) -> ReactionChanged:
    return ReactionChanged(message_id, CHANNEL, GUILD, emoji, emoji, change, person)  # type: ignore[arg-type] # one of three


async def lit(core: Core, message: ChatMessage, **reactions: int) -> bool:
    for person in (ANN, CARL):
        core.hot_takes.fires.light(message.id, person)
    made = await core.hot_takes.make(message, {"🔥": 2, **reactions}, lit_by={ANN, CARL})
    await core.hot_takes.settled()
    return made


async def rows(core: Core) -> list[tuple[object, ...]]:
    return list(
        await core.db.fetch_all("SELECT reaction_count, controversy FROM hot_takes ORDER BY message_id")
    )


async def test_a_stored_claim_that_sounds_like_one_becomes_a_hot_take(
    database_settings: DatabaseSettings,
) -> None:
    async with process(settings(database_settings)) as core:
        book = ClaimRepository(core.db)
        for number, text in enumerate((SPICY, "The moon is made of rock and dust")):
            message = said(core, number, text)
            await book.begin_check(message)
            await book.store(message, text=text, kind="fact", confidence="certain")
            made = await core.hot_takes.consider(FoundClaim(message, text, "fact", "certain"))
            assert made == (message.id in core.hot_takes.tracked) == (text == SPICY)


async def test_two_people_who_are_not_the_author_make_one_by_hand(
    database_settings: DatabaseSettings,
) -> None:
    async with process(settings(database_settings)) as core:
        takes, message = core.hot_takes, said(core)
        takes.fires.missed(message.id)  # it was said since
        assert not takes.fires.light(message.id, BOB)
        assert not takes.fires.light(message.id, BOB)
        assert takes.fires.light(message.id, ANN)  # worth a look, as who wrote it is not known yet
        assert not await takes.make(message, {"🔥": 2}, lit_by={BOB, ANN})
        assert takes.fires.by(message.id) == {BOB, ANN}
        assert takes.fires.light(message.id, CARL)
        assert await takes.make(message, {"🔥": 3}, lit_by={BOB, ANN, CARL})
        assert not await takes.make(message, {"🔥": 3}, lit_by={BOB, ANN, CARL})


async def test_a_message_from_before_is_worth_a_look_with_the_first_fire_and_once(
    database_settings: DatabaseSettings,
) -> None:
    async with process(settings(database_settings)) as core:
        takes, message = core.hot_takes, said(core)
        assert takes.fires.light(message.id, CARL)
        assert not await takes.make(message, {"🔥": 1}, lit_by={CARL})
        assert not takes.fires.light(message.id, CARL)
        later = ChatMessage(snowflake_at(core.clock.now(), 1), CHANNEL, BOB, "bob", SPICY, GUILD)
        assert not takes.fires.light(later.id, CARL)
        takes.fires.missed(later.id + 1)
        assert takes.fires.light(later.id, CARL)


async def test_a_fire_that_was_taken_back_does_not_count(database_settings: DatabaseSettings) -> None:
    async with process(settings(database_settings)) as core:
        takes, message = core.hot_takes, said(core)
        assert takes.fires.light(message.id, ANN)
        assert takes.fires.light(message.id, CARL)
        assert not await takes.make(message, {"🔥": 1}, lit_by={CARL})  # it was Ann's
        assert takes.fires.light(message.id, ANN)
        assert await takes.make(message, {"🔥": 2}, lit_by={ANN, CARL})


async def test_bots_empty_messages_and_people_who_withdrew_make_none(
    database_settings: DatabaseSettings,
) -> None:
    async with process(settings(database_settings)) as core:
        assert not await lit(core, said(core, 1, is_bot=True))
        assert not await lit(core, said(core, 2, allowed=False))
        assert not await lit(core, said(core, 3, "  "))
        await core.consent.withdraw(BOB, method="test")
        assert not await lit(core, said(core, 4))
        assert await rows(core) == []


async def test_a_burst_is_one_update_and_other_messages_make_none(
    database_settings: DatabaseSettings,
) -> None:
    async with process(settings(database_settings, pause_s=0.2)) as core:
        message = said(core)
        await lit(core, message)
        await core.jobs.stop()
        before = core.db.statements
        for number in range(5000):
            core.hot_takes.reacted(reaction(message.id + 1 + number))
        for number in range(2):
            core.hot_takes.reacted(reaction(message.id, person=number))
            await asyncio.sleep(0.01)
        assert core.db.statements == before
        while core.db.statements == before:  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert core.db.statements == before + 1
        assert await rows(core) == [(4, None)]


async def test_what_was_counted_is_written_when_the_process_ends(database_settings: DatabaseSettings) -> None:
    async with process(settings(database_settings)) as core:
        message = said(core)
        await lit(core, message)
        core.hot_takes.reacted(reaction(message.id))
    async with process(settings(database_settings)) as core:
        assert message.id in core.hot_takes.tracked
        assert await rows(core) == [(3, None)]


async def test_a_hot_take_of_one_process_is_known_in_the_others(database_settings: DatabaseSettings) -> None:
    async with process(settings(database_settings)) as here, process(settings(database_settings)) as there:
        message = said(here)
        await lit(here, message)
        async with asyncio.timeout(5):
            while message.id not in there.hot_takes.tracked:  # noqa: ASYNC110 # nothing tells
                await asyncio.sleep(0.01)
        there.hot_takes.reacted(reaction(message.id))
        await there.hot_takes.settled()
        assert await rows(here) == [(3, None)]


async def test_the_model_rates_what_people_argue_about_fenced_and_paid_as_background(
    database_settings: DatabaseSettings, model: ScriptedModel
) -> None:
    async with process(settings(database_settings, model)) as core:
        model.says(json.dumps({"score": 17, "reasoning": "x"}))
        await lit(core, said(core), up=5)
        assert await rows(core) == [(7, 10.0)]
        shown = model.asked[-1]["messages"][-1]["content"]
        assert "<outside-text" in shown
        assert SPICY in shown
        paid = await core.db.fetch_all("SELECT purpose, person_id, guild_id FROM cost_entries")
        assert paid == [("hot_take", BOB, GUILD)]


@pytest.mark.parametrize("status", [400, 503])
async def test_one_that_cannot_be_rated_stays_unrated(
    database_settings: DatabaseSettings, model: ScriptedModel, status: int
) -> None:
    async with process(settings(database_settings, model)) as core:
        model.fails(status)
        await lit(core, said(core), up=5)
        assert await rows(core) == [(7, None)]
        asked = model.requests
        core.hot_takes.reacted(reaction(said(core).id))
        await core.hot_takes.settled()
        assert model.requests == asked  # not again so soon


async def test_an_answer_that_is_none_was_paid_and_counts_as_the_middle(
    database_settings: DatabaseSettings, model: ScriptedModel
) -> None:
    async with process(settings(database_settings, model)) as core:
        for _ in range(2):
            model.says('{"score": NaN}')
        await lit(core, said(core), up=5)
        assert await rows(core) == [(7, 5.0)]
