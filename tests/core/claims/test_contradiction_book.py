"""Contradictions on a real database: what is compared, what is kept, and for whom."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from wompcore.clock import SystemClock
from wompcore.consent import Gate
from wompcore.db import Database, Listener
from wompcore.events import ChatMessage, MessageEdited
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.claims_retention import ClaimRetention
from wompcore.repos.consents import CHANNEL, ConsentRepository
from wompcore.repos.contradictions import Candidates, ContradictionBook

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GUILD, BOB, ANN = 10, 1, 2
CHEESE = "Cheese is the best food there ever was"
NO_CHEESE = "Nobody should ever eat cheeses of any kind"
BEER = "Beer is bad for everyone"


async def claimed(db: Database, number: int, text: str, *, author: int = BOB, guild: int = GUILD) -> int:
    """Put a claim on record; return its message's id."""
    message = ChatMessage(snowflake_at(NOW, number), 20, author, f"person{author}", text, guild)
    claims = ClaimRepository(db)
    assert await claims.begin_check(message)
    assert await claims.store(message, text=text, kind="fact", confidence="certain")
    return message.id


async def compared(db: Database) -> Candidates:
    for number, text in enumerate((CHEESE, BEER)):
        await claimed(db, number, text)
    found = await ContradictionBook(db).candidates(await claimed(db, 2, NO_CHEESE))
    assert found is not None
    return found


async def test_a_claim_is_compared_with_older_ones_about_the_same_and_not_with_itself(db: Database) -> None:
    found = await compared(db)
    assert found.claim.text == NO_CHEESE
    assert [older.text for older in found.older] == [CHEESE]  # by the stem, "cheeses" is "cheese"


async def test_nothing_is_compared_with_fewer_than_two_older_claims(db: Database) -> None:
    await claimed(db, 0, CHEESE)
    assert await ContradictionBook(db).candidates(await claimed(db, 1, NO_CHEESE)) is None


async def test_claims_of_others_and_of_other_guilds_are_not_compared(db: Database) -> None:
    for number in range(3):
        await claimed(db, number, f"{CHEESE} {number}", author=ANN)
        await claimed(db, 10 + number, f"{CHEESE} {number}", guild=11)
    await claimed(db, 20, BEER)
    await claimed(db, 21, f"{BEER} too")
    assert await ContradictionBook(db).candidates(await claimed(db, 22, NO_CHEESE)) is None


@pytest.mark.parametrize(
    "text", ["!!! ??? ...", "the of and", "a'b \\ c:* & | ! <-> ('", "https://a.example/x?y='z'&q=\\"]
)
async def test_any_text_can_be_compared_and_searched(db: Database, text: str) -> None:
    for number in range(2):
        await claimed(db, number, f"{text} {number}")
    found = await ContradictionBook(db).candidates(await claimed(db, 2, text))
    assert found is None or len(found.older) == 2
    page = await ClaimRepository(db).receipts.page(GUILD, words=text)
    assert page.total in (0, 3)


async def test_a_finding_is_kept_once_and_shown_in_its_guild(db: Database) -> None:
    book, found = ContradictionBook(db), await compared(db)
    assert await book.store(found.claim, found.older[0], "one praises, one forbids", NOW)
    assert not await book.store(found.claim, found.older[0], "again", NOW)
    [shown] = await book.found(GUILD, person_id=BOB)
    assert (shown.claim.text, shown.older.text) == (NO_CHEESE, CHEESE)
    assert shown.explanation == "one praises, one forbids"
    assert await book.found(GUILD, person_id=ANN) == []
    assert await book.found(11) == []


async def test_a_finding_goes_when_one_of_its_claims_is_edited_or_deleted(db: Database) -> None:
    book, found = ContradictionBook(db), await compared(db)
    ids = [row[0] for row in await db.fetch_all("SELECT message_id FROM claims ORDER BY id")]
    claims = ClaimRepository(db)
    await book.store(found.claim, found.older[0], "why", NOW)
    await claims.edit(MessageEdited(ids[0], "Cheese is fine", BOB, NOW))
    assert await book.found(GUILD) == []
    assert not await book.store(found.claim, found.older[0], "late", NOW)  # judged by what it said before
    again = await book.candidates(ids[2])
    assert again is not None
    await book.store(again.claim, again.older[0], "why", NOW)
    await claims.delete([ids[2]], NOW)
    assert await db.fetch_value("SELECT count(*) FROM claim_contradictions") == 0


async def test_a_withdrawal_takes_findings_along_and_lets_none_in(db: Database) -> None:
    book, found = ContradictionBook(db), await compared(db)
    await book.store(found.claim, found.older[0], "why", NOW)
    await book.listen(GUILD, BOB, NOW)
    async with (
        Listener.open(db) as listener,
        Gate.open(ConsentRepository(db), listener, SystemClock(), channel=CHANNEL) as gate,
    ):
        await gate.withdraw(BOB, method="command")
    assert not await book.store(found.claim, found.older[0], "why", NOW)
    assert await db.fetch_value("SELECT count(*) FROM claim_contradictions") == 0
    assert await db.fetch_value("SELECT count(*) FROM contradiction_listeners") == 0


async def test_who_wants_to_know_is_told_once_a_day_in_all_guilds_together(db: Database) -> None:
    book = ContradictionBook(db)
    assert not await book.may_tell(GUILD, BOB, NOW)
    await book.listen(GUILD, BOB, NOW)
    assert not await book.may_tell(11, BOB, NOW)
    told = await asyncio.gather(*(book.may_tell(GUILD, BOB, NOW) for _ in range(5)))
    assert sum(told) == 1
    await book.listen(11, BOB, NOW)
    assert not await book.may_tell(11, BOB, NOW + DAY / 2)
    assert await book.may_tell(11, BOB, NOW + DAY)
    await book.unlisten(11, BOB)
    assert not await book.may_tell(11, BOB, NOW + 3 * DAY)


async def test_what_a_deleted_claim_said_is_blanked_after_thirty_days(db: Database) -> None:
    claims, retention = ClaimRepository(db), ClaimRetention(db)
    gone, kept = await claimed(db, 0, CHEESE), await claimed(db, 1, BEER)
    await claims.edit(MessageEdited(gone, f"{CHEESE}!", BOB, NOW))
    await claims.delete([gone], NOW)
    assert await retention.blank_deleted(NOW + 30 * DAY) == 0
    assert await retention.blank_deleted(NOW + 31 * DAY) == 1
    assert await retention.blank_deleted(NOW + 31 * DAY) == 0
    rows = await db.fetch_all(
        "SELECT message_id, text, original_text, edits, context_ids FROM claims ORDER BY id"
    )
    assert rows == [(gone, "", None, [], []), (kept, BEER, None, [], [])]


async def test_pages_lead_forth_and_back(db: Database) -> None:
    for number in range(7):
        await claimed(db, number, f"cheese number {number}")
    receipts = ClaimRepository(db).receipts
    first = await receipts.page(GUILD, limit=3)
    assert (first.newer, first.older, first.total) == (False, True, 7)
    second = await receipts.page(GUILD, limit=3, before_id=first.claims[-1].id)
    assert (second.newer, second.older) == (True, True)
    third = await receipts.page(GUILD, limit=3, before_id=second.claims[-1].id)
    assert ([claim.text for claim in third.claims], third.older) == (["cheese number 0"], False)
    back = await receipts.page(GUILD, limit=3, after_id=third.claims[0].id)
    assert (back.claims, back.newer, back.older) == (second.claims, True, True)
    assert (await receipts.page(GUILD, limit=3, after_id=second.claims[0].id)).newer is False


async def test_words_are_found_by_their_stem_and_by_their_beginning_and_all_of_them(db: Database) -> None:
    await claimed(db, 0, "Taxes will never be raised here")
    receipts = ClaimRepository(db).receipts
    for words in ("tax", "taxes will", "raising tax", "NEVER rais", "will"):
        assert (await receipts.page(GUILD, words=words)).total == 1, words
    for words in ("taxes won", "aised", "cheese"):
        assert (await receipts.page(GUILD, words=words)).total == 0, words
