"""What a withdrawal does to what others keep of a person's words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from wompcore.consent import MESSAGES
from wompcore.db import Database
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.consents import ConsentRepository
from wompcore.repos.messages import MessageRepository

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOON = snowflake_at(NOW)
BOT, BOB, CARL = 1, 2, 3


def said(number: int, author: int, text: str, *, channel: int = 1, reply_to: int | None = None):
    name, is_bot = {BOT: "wompbot", BOB: "Bob", CARL: "carl"}.get(author, f"p{author}."), author == BOT
    return ChatMessage(NOON + number, channel, author, name, text, 9, reply_to, is_bot, is_bot)


async def withdraw(db: Database, person_id: int) -> None:
    await ConsentRepository(db).change(
        person_id, MESSAGES, withdrawn=True, policy="1", method="command", at=NOW
    )


async def test_answers_that_quote_or_answer_the_person_are_blanked(db: Database) -> None:
    await MessageRepository(db).store(
        [
            said(1, BOB, "my secret is pink"),
            said(2, CARL, "wompbot, what is bob's secret?"),
            said(3, BOT, 'bob: "my secret is pink"', reply_to=NOON + 2),
            said(4, BOB, "wompbot, and mine?"),
            said(5, BOT, "pink", reply_to=NOON + 4),
            said(6, BOT, "hello", reply_to=NOON + 2),
            said(7, BOT, "bob is a common name", channel=2),
        ]
    )
    await withdraw(db, BOB)
    left = await db.fetch_all("SELECT id, text FROM messages WHERE text <> '' ORDER BY id")
    assert [(number - NOON, text) for number, text in left] == [
        (2, "wompbot, what is bob's secret?"),
        (6, "hello"),
        (7, "bob is a common name"),
    ]


async def test_what_was_said_before_a_claim_is_only_what_may_be_kept(db: Database) -> None:
    spoken = [said(1, BOB, "my secret is pink"), said(2, CARL, "no, blue"), said(3, CARL, "gone")]
    await MessageRepository(db).store([*spoken, said(4, CARL, "it will be green by march")])
    claims = ClaimRepository(db)
    message = said(4, CARL, "it will be green by march")
    assert await claims.begin_check(message)
    assert await claims.store(
        message,
        text="green",
        kind="fact",
        confidence="certain",
        context_ids=[each.id for each in spoken],
    )
    [claim] = (await claims.receipts.page(message.guild_id or 0)).claims
    await MessageRepository(db).delete([NOON + 3])
    assert [text for _, text in await claims.receipts.said_before(claim.id)] == [
        "my secret is pink",
        "no, blue",
    ]
    await withdraw(db, BOB)
    assert await claims.receipts.said_before(claim.id) == [("carl", "no, blue")]


async def test_people_who_are_quoted_together_can_withdraw_at_once(db: Database) -> None:
    people = range(10, 30)
    everyone = " ".join(f"p{person}." for person in people)
    messages = [said(person, person, "hi") for person in people]
    messages += [said(100 + number, BOT, everyone) for number in range(200)]
    await MessageRepository(db).store(messages)
    await asyncio.gather(*(withdraw(db, person) for person in people))
    assert await db.fetch_value("SELECT count(*) FROM messages WHERE text <> ''") == 0
