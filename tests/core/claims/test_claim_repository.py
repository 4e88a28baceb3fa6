"""Claims in the real database: paid once, stored for those who consent, changed with their message."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from wompcore.consent import MESSAGES
from wompcore.db import Database
from wompcore.errors import ClaimUnknown, RowsRefused, RulingRefused
from wompcore.events import ChatMessage, MessageEdited
from wompcore.ids import snowflake_at
from wompcore.repos.claim_checks import CHECK_ENDS_WITHIN
from wompcore.repos.claims import EDITS_KEPT, ClaimRepository
from wompcore.repos.consents import ConsentRepository
from wompcore.repos.receipts import Claim, Edit

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GUILD, CHANNEL, BOB, ANN = 10, 20, 1, 2
TEXT = "They will never win that title again"


def said(
    number: int = 0, text: str = TEXT, *, author: int = BOB, guild: int = GUILD, at: datetime = NOON
) -> ChatMessage:
    return ChatMessage(snowflake_at(at, number), CHANNEL, author, f"person {author}", text, guild)


async def stored(claims: ClaimRepository, message: ChatMessage, text: str | None = None) -> Claim:
    assert await claims.begin_check(message)
    assert await claims.store(
        message,
        text=text or message.text,
        kind="prediction",
        confidence="certain",
        context_ids=[said(-1).id],
        horizon="by march",
        due_on=date(2027, 3, 31),
    )
    assert message.guild_id is not None
    return (await claims.receipts.page(message.guild_id, limit=1)).claims[0]


async def withdraw(db: Database, person_id: int) -> None:
    await ConsentRepository(db).change(
        person_id, MESSAGES, withdrawn=True, policy="1.0", method="test", at=NOON
    )


async def test_a_message_is_checked_once(db: Database) -> None:
    claims = ClaimRepository(db)
    assert await claims.begin_check(said())
    assert not await claims.begin_check(said())


async def test_a_failed_check_may_be_repeated(db: Database) -> None:
    claims = ClaimRepository(db)
    await claims.begin_check(said())
    await claims.end_check(said().id, "failed")
    assert await claims.begin_check(said())
    assert not await claims.begin_check(said())


async def test_a_check_that_died_with_its_process_is_made_again_and_by_one_only(db: Database) -> None:
    claims = ClaimRepository(db)
    for died in (said(1), said(2, "another text that says something else")):
        assert await claims.begin_check(died)
    await db.execute("UPDATE claim_checks SET begun_at = now() - %s", [CHECK_ENDS_WITHIN])
    assert await claims.begin_check(said(3))  # the same text as the first
    taken = await asyncio.gather(*(claims.begin_check(said(2, "another text")) for _ in range(4)))
    assert sorted(taken) == [False, False, False, True]


async def test_a_check_that_may_still_run_is_left_alone_whatever_the_log_says(db: Database) -> None:
    claims = ClaimRepository(db)
    assert await claims.begin_check(said(1))
    await db.execute(
        "UPDATE claim_checks SET begun_at = now() - %s", [CHECK_ENDS_WITHIN - timedelta(minutes=1)]
    )
    assert not await claims.begin_check(said(1))
    assert not await claims.begin_check(said(1, at=NOON + timedelta(hours=20)))


async def test_the_same_text_is_not_checked_again_within_a_day_in_a_guild(db: Database) -> None:
    claims = ClaimRepository(db)
    assert await claims.begin_check(said(1))
    assert not await claims.begin_check(said(2, f"  {TEXT}\n", author=ANN, at=NOON + timedelta(hours=23)))
    assert await claims.begin_check(said(3, guild=11))
    assert await claims.begin_check(said(4, at=NOON + timedelta(hours=25)))


async def test_beginning_a_check_is_one_statement(db: Database) -> None:
    claims = ClaimRepository(db)
    before = db.statements
    await claims.begin_check(said())
    assert db.statements - before == 1


async def test_an_id_that_does_not_fit_is_refused(db: Database) -> None:
    message = said()
    message.id = 2**63
    with pytest.raises(RowsRefused):
        await ClaimRepository(db).begin_check(message)


async def test_a_claim_is_stored_with_all_that_is_known(db: Database) -> None:
    claim = await stored(ClaimRepository(db), said(), "They never win")
    assert claim == Claim(
        claim.id, said().id, GUILD, CHANNEL, BOB, "person 1", "They never win", "prediction", "certain",
        NOON, "by march", date(2027, 3, 31), None, (), "unverified", None, None, "",
    )  # fmt: skip


async def test_storing_twice_keeps_the_first(db: Database) -> None:
    claims = ClaimRepository(db)
    await stored(claims, said(), "first")
    assert not await claims.store(said(), text="second", kind="fact", confidence="certain")
    assert [claim.text for claim in (await claims.receipts.page(GUILD)).claims] == ["first"]


async def test_nothing_is_begun_or_stored_for_a_person_who_withdrew(db: Database) -> None:
    claims = ClaimRepository(db)
    assert await claims.begin_check(said(1))
    await withdraw(db, BOB)
    assert not await claims.store(said(1), text=TEXT, kind="fact", confidence="certain")
    assert not await claims.begin_check(said(2, "another text that says something else"))
    assert await db.fetch_value("SELECT count(*) FROM claims") == 0
    assert await db.fetch_value("SELECT count(*) FROM claim_checks") == 0


async def test_a_withdrawal_hides_what_was_stored(db: Database) -> None:
    claims = ClaimRepository(db)
    claim = await stored(claims, said())
    await withdraw(db, BOB)
    assert (await claims.receipts.page(GUILD)).claims == ()
    with pytest.raises(ClaimUnknown):
        await claims.receipts.by_id(GUILD, claim.id)
    with pytest.raises(ClaimUnknown):
        await claims.receipts.rule(GUILD, claim.id, "true", by_id=ANN, at=NOON)


def edited(text: str, minutes: int = 1) -> MessageEdited:
    return MessageEdited(said().id, text, BOB, NOON + timedelta(minutes=minutes))


async def test_an_edit_keeps_the_original_once_and_every_text_since(db: Database) -> None:
    claims = ClaimRepository(db)
    await stored(claims, said(), "They never win")
    assert await claims.edit(edited("They may win", 1))
    assert await claims.edit(edited("They will win", 2))
    [claim] = (await claims.receipts.page(GUILD)).claims
    assert (claim.text, claim.original_text) == ("They will win", "They never win")
    assert claim.edits == (
        Edit("They may win", NOON + timedelta(minutes=1)),
        Edit("They will win", NOON + timedelta(minutes=2)),
    )


async def test_the_day_that_a_claim_is_due_stays_as_long_as_its_words_do(db: Database) -> None:
    claims = ClaimRepository(db)
    await stored(claims, said())
    for text, due in (("They win By March!", date(2027, 3, 31)), ("They win by april", None)):
        assert await claims.edit(edited(text))
        [claim] = (await claims.receipts.page(GUILD)).claims
        assert (claim.due_on, bool(claim.horizon)) == (due, due is not None)


async def test_an_edit_that_only_adds_a_preview_changes_nothing(db: Database) -> None:
    claims = ClaimRepository(db)
    before = await stored(claims, said(), "They never win")
    assert not await claims.edit(edited(TEXT))
    assert await claims.receipts.by_id(GUILD, before.id) == before


async def test_the_history_of_edits_is_bounded(db: Database) -> None:
    claims = ClaimRepository(db)
    await stored(claims, said())
    for number in range(EDITS_KEPT + 2):
        await claims.edit(edited(f"text {number}"))
    [claim] = (await claims.receipts.page(GUILD)).claims
    assert [edit.text for edit in claim.edits] == [f"text {n}" for n in range(2, EDITS_KEPT + 2)]


async def test_an_edit_of_a_person_who_withdrew_is_not_recorded(db: Database) -> None:
    claims = ClaimRepository(db)
    await stored(claims, said())
    await withdraw(db, BOB)
    assert not await claims.edit(edited("something else"))


async def test_a_deleted_message_takes_its_claim_off_the_list_and_keeps_the_text(db: Database) -> None:
    claims = ClaimRepository(db)
    claim = await stored(claims, said())
    await claims.delete([said().id, 99], NOON)
    assert (await claims.receipts.page(GUILD)).total == 0
    with pytest.raises(ClaimUnknown):
        await claims.receipts.by_id(GUILD, claim.id)
    assert await db.fetch_one("SELECT text, deleted_at FROM claims") == (TEXT, NOON)


async def test_a_message_deleted_by_a_person_who_withdrew_erases_the_claim(db: Database) -> None:
    claims = ClaimRepository(db)
    await stored(claims, said())
    await withdraw(db, BOB)
    await claims.delete([said().id], NOON)
    assert await db.fetch_value("SELECT count(*) FROM claims") == 0


async def test_receipts_are_found_by_person_word_and_page_and_never_in_another_guild(db: Database) -> None:
    claims = ClaimRepository(db)
    for number in range(5):
        await stored(claims, said(number, f"claim {number} about 100% Cheese", author=1 + number % 2))
    await stored(claims, said(9, "claim elsewhere", guild=11))
    first = await claims.receipts.page(GUILD, limit=2)
    assert [claim.text[:7] for claim in first.claims] == ["claim 4", "claim 3"]
    assert first.total == 5
    second = await claims.receipts.page(GUILD, limit=2, before_id=first.claims[-1].id)
    assert [claim.text[:7] for claim in second.claims] == ["claim 2", "claim 1"]
    assert second.total == 5
    assert (await claims.receipts.page(GUILD, person_id=ANN)).total == 2
    assert (await claims.receipts.page(GUILD, words="100% cheese")).total == 5
    assert (await claims.receipts.page(GUILD, words="%_")).total == 0
    with pytest.raises(ClaimUnknown):
        await claims.receipts.by_id(11, first.claims[0].id)


async def test_a_ruling_names_who_ruled(db: Database) -> None:
    claims = ClaimRepository(db)
    claim = await stored(claims, said())
    ruled = await claims.receipts.rule(GUILD, claim.id, "false", by_id=ANN, at=NOON, notes="they won")
    assert (ruled.ruling, ruled.ruled_by, ruled.ruled_at, ruled.ruling_notes) == (
        "false", ANN, NOON, "they won",
    )  # fmt: skip
    assert await claims.receipts.by_id(GUILD, claim.id) == ruled


async def test_nobody_rules_on_their_own_claim_or_in_another_guild(db: Database) -> None:
    claims = ClaimRepository(db)
    claim = await stored(claims, said())
    with pytest.raises(RulingRefused):
        await claims.receipts.rule(GUILD, claim.id, "true", by_id=BOB, at=NOON)
    with pytest.raises(ClaimUnknown):
        await claims.receipts.rule(11, claim.id, "true", by_id=ANN, at=NOON)
    assert (await claims.receipts.by_id(GUILD, claim.id)).ruling == "unverified"


async def test_the_newest_messages_with_claims_are_known(db: Database) -> None:
    claims = ClaimRepository(db)
    for number in range(4):
        await stored(claims, said(number, f"text {number}"))
    await claims.delete([said(3).id], NOON)
    assert await claims.tracked(since_id=said(1).id, limit=10) == [said(2).id, said(1).id]
    assert await claims.tracked(since_id=0, limit=1) == [said(2).id]
