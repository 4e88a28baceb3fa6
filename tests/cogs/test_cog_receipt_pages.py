"""Receipts in pages, and contradictions: looked for where wanted, told to those who wish."""

from __future__ import annotations

import asyncio
import json

from living_bot import OWNER, Living
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository
from wompcore.testing.model import ScriptedModel

WHY = "*cheap* @everyone"
CHEESE = "I guarantee that cheese will never be cheap again before 2031"


async def store(living: Living, number: int, text: str, name: str = "bob") -> None:
    """Put a claim on record that nobody said here."""
    at = living.app.core.clock.now()
    author_id = living.guild.member(name).id
    message = ChatMessage(snowflake_at(at, number), 1, author_id, name, text, living.guild.id)
    book = ClaimRepository(living.app.core.db)
    assert await book.begin_check(message)
    assert await book.store(message, text=text, kind="fact", confidence="certain")


def shown(living: Living) -> str:
    [embed] = living.last.embeds
    return embed.description or ""


async def test_buttons_lead_to_older_claims_and_back(living: Living) -> None:
    for number in range(25):
        await store(living, number, f"cheese fact {number:02}")
    await living.ask("alice", "!receipts <@{}> cheese".format(living.guild.member("bob").id))
    assert "fact 24" in shown(living)
    await living.click("carol", "Older")
    assert "fact 14" in shown(living)
    assert "fact 15" not in shown(living)
    await living.click("carol", "Older")
    assert "fact 04" in shown(living)
    await living.click("carol", "Newer")
    assert "fact 14" in shown(living)


async def test_buttons_are_answered_after_a_swap_and_find_what_is_left(living: Living) -> None:
    for number in range(12):
        await store(living, number, f"cheese fact {number:02}")
    await living.ask("alice", "!receipts")
    await living.app.host.swap("claims")
    await living.click("carol", "Older")
    assert "fact 01" in shown(living)
    await living.app.core.db.execute("UPDATE claims SET deleted_at = now()")
    await living.click("carol", "Newer")
    assert "no claims" in living.last.text
    assert living.last.embeds == ()


async def test_a_bot_knows_the_buttons_of_its_predecessor_and_none_of_a_plugin_that_left(
    living: Living,
) -> None:
    known = living.app.bot._connection._view_store._dynamic_items
    assert [kind.__name__ for kind in known.values()] == ["ReceiptButton", "PlaceButton", "QuoteButton"]
    await living.app.host.unload("claims")
    assert [kind.__name__ for kind in known.values()] == ["PlaceButton", "QuoteButton"]


async def test_too_many_words_are_refused_kindly(living: Living) -> None:
    assert "40 characters" in await living.ask("alice", "!receipts " + "cheese " * 10)


async def say_claim(living: Living, model: ScriptedModel, *, contradicts: int = 0) -> None:
    """Have bob claim something; with ``contradicts``, wait until it was compared."""
    claim = {"claim_text": CHEESE, "claim_type": "guarantee", "confidence_level": "certain"}
    model.says(json.dumps({"is_trackable": True, "reasoning": "firm", **claim}))
    if contradicts:
        model.says(json.dumps({"contradicts": True, "claim_number": contradicts, "explanation": WHY}))
    settled = model.requests + 1 + bool(contradicts)
    await living.guild.say("bob", CHEESE)
    async with asyncio.timeout(10):
        while model.requests < settled or await busy(living):  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.01)


async def busy(living: Living) -> bool:
    """Return whether a claim is being checked, or waits to be told to plugins, or is compared."""
    await living.app.core.claims.settled()
    living.app.hooks._feeds["claims_found"].flush()
    await asyncio.sleep(0.01)  # what is told is told in a task
    return any("_compare" in task.get_name() for task in asyncio.all_tasks())


async def open_wanting(living: Living) -> None:
    await living.ask(OWNER, "!settings set contradictions on")
    await store(living, 1, "Cheese is cheap for ever")
    await store(living, 2, "Beer is good for everyone")


async def found(living: Living) -> list[tuple[object, ...]]:
    return await living.app.core.db.fetch_all(
        "SELECT older_id, guild_id, author_id FROM claim_contradictions"
    )


async def test_nothing_is_compared_where_the_server_did_not_ask_for_it(
    living: Living, model: ScriptedModel
) -> None:
    await store(living, 1, "Cheese is cheap for ever")
    await store(living, 2, "Beer is good for everyone")
    asked = model.requests
    await say_claim(living, model)
    assert model.requests == asked + 1
    assert "do not compare" in await living.ask("bob", "!contradictions")


async def test_a_contradiction_is_kept_and_shown_on_request_only(
    living: Living, model: ScriptedModel
) -> None:
    await open_wanting(living)
    before = len(living.guild.answers())
    await say_claim(living, model, contradicts=1)
    assert await found(living) == [(1, living.guild.id, living.guild.member("bob").id)]
    assert len(living.guild.answers()) == before
    request = model.asked[-1]["messages"][-1]["content"]
    assert 'label="earlier claim 1"' in request
    assert "Beer" not in request
    await living.ask("alice", f"!contradictions <@{living.guild.member('bob').id}>")
    assert "`#1`" in shown(living)
    assert "\\*cheap\\*" in shown(living)
    assert "no claims that do not go" in await living.ask("alice", "!contradictions")
    rows = await living.app.core.db.fetch_all("SELECT purpose, person_id FROM cost_entries ORDER BY id")
    assert rows[-1] == ("claim_contradiction", living.guild.member("bob").id)


async def test_who_wishes_is_told_below_the_message(living: Living, model: ScriptedModel) -> None:
    await open_wanting(living)
    assert "will tell you" in await living.ask("bob", "!tell_contradictions on")
    await say_claim(living, model, contradicts=1)
    assert "`#1`" in shown(living)
    assert living.last.reply_to_id is not None
    assert "will not" in await living.ask("bob", "!tell_contradictions off")


async def test_an_answer_that_names_no_claim_it_was_shown_is_no_finding(
    living: Living, model: ScriptedModel
) -> None:
    await open_wanting(living)
    await say_claim(living, model, contradicts=7)
    assert await found(living) == []
