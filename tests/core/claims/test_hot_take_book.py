"""Hot takes in the real database: made once, counted at once, ranked per guild, gone with their author."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from wompcore.consent import MESSAGES
from wompcore.db import Database
from wompcore.errors import HotTakeUnknown, RulingRefused
from wompcore.events import ChatMessage, MessageEdited, ReactionTally
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.consents import ConsentRepository
from wompcore.repos.hot_take_boards import HotTake
from wompcore.repos.hot_takes import ASK_AGAIN_AFTER, HotTakeRepository
from wompcore.repos.messages import MessageRepository

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GUILD, CHANNEL, BOB, ANN, JUDGE = 10, 20, 1, 2, 3
LONG_AGO = NOON - timedelta(days=30)


def said(number: int, text: str = "Tabs are better than spaces", *, author: int = BOB, guild: int = GUILD):
    return ChatMessage(snowflake_at(NOON, number), CHANNEL, author, f"person {author}", text, guild)


async def made(
    takes: HotTakeRepository, number: int = 1, *, author: int = BOB, guild: int = GUILD, **reactions: int
) -> int:
    message = said(number, f"take {number}", author=author, guild=guild)
    assert await takes.make_by_hand(message, text=message.text, heat=0.3, reactions=reactions, at=NOON)
    return message.id


async def only(takes: HotTakeRepository, guild: int = GUILD) -> HotTake:
    [take] = await takes.boards.top(guild, "community", since=LONG_AGO)
    return take


async def withdraw(db: Database, person_id: int) -> None:
    await ConsentRepository(db).change(
        person_id, MESSAGES, withdrawn=True, policy="1", method="test", at=NOON
    )


def community(reactions: dict[str, int], replies: int) -> float:
    """The formula of spec 04, section 5."""
    n = sum(reactions.values())
    shares = [each / n for each in reactions.values()]
    diversity = -sum(p * math.log(p) for p in shares) / math.log(len(shares)) if len(shares) > 1 else 0.0
    return min(10.0, 2 * math.log(1 + n) * (0.5 + 0.5 * diversity) + min(3.0, replies / 2))


async def test_the_community_score_is_that_of_the_formula(db: Database) -> None:
    chance = random.Random(6)
    cases = [({}, 0), ({"👍": 20}, 0), ({"👍": 1}, 7), ({"👍": 5, "👎": 5}, 2), ({"a": 10**6, "b": 1}, 0)]
    cases += [
        ({str(kind): chance.randint(1, 40) for kind in range(chance.randint(0, 20))}, chance.randint(0, 9))
        for _ in range(200)
    ]
    rows = await db.fetch_all(
        "SELECT hot_take_community(reactions, replies), hot_take_reactions(reactions)"
        " FROM json_to_recordset(%s::json) AS r (reactions jsonb, replies integer)",
        [json.dumps([{"reactions": reactions, "replies": replies} for reactions, replies in cases])],
    )
    for (reactions, replies), (score, count) in zip(cases, rows, strict=True):
        assert score == pytest.approx(community(reactions, replies))
        assert count == sum(reactions.values())


async def test_a_claim_becomes_a_hot_take_once(db: Database) -> None:
    claims, takes = ClaimRepository(db), HotTakeRepository(db)
    message = said(1)
    assert not await takes.make(message.id, heat=0.3, at=NOON)
    await claims.begin_check(message)
    await claims.store(message, text="tabs", kind="opinion", confidence="certain")
    assert await takes.make(message.id, heat=0.3, at=NOON)
    assert not await takes.make(message.id, heat=0.3, at=NOON)


async def test_a_message_made_one_by_hand_is_a_claim_whose_text_follows_edits(db: Database) -> None:
    claims, takes = ClaimRepository(db), HotTakeRepository(db)
    message_id = await made(takes, 1, fire=2)
    assert not await takes.make_by_hand(said(1), text="x", heat=0, reactions={}, at=NOON)
    [claim] = (await claims.receipts.page(GUILD)).claims
    assert (claim.text, claim.kind, claim.confidence) == ("take 1", "opinion", "certain")
    assert await claims.edit(MessageEdited(message_id, "take 2", BOB, NOON))
    assert (await only(takes)).text == "take 2"
    await claims.delete([message_id], NOON)
    assert await takes.boards.top(GUILD, "community", since=LONG_AGO) == []


async def test_reactions_are_added_taken_away_cleared_and_set_in_one_statement(db: Database) -> None:
    takes = HotTakeRepository(db)
    ids = [await made(takes, number, fire=3, up=1) for number in range(4)]
    more, cleared, known, none = (ReactionTally() for _ in ids)
    more.add("up", 2)
    more.add("fire", -5)
    cleared.add("fire", 7)
    cleared.clear("fire")
    cleared.add("fire", 1)
    known.add("up", 9)
    known.begin({"new": 4})
    known.add("new", 1)
    before = db.statements
    await takes.count(
        {**dict(zip(ids, (more, cleared, known, none), strict=True)), 77: ReactionTally({"x": 1})}
    )
    assert db.statements == before + 1
    rows = await db.fetch_all("SELECT reactions FROM hot_takes ORDER BY message_id")
    assert [row[0] for row in rows] == [{"up": 3}, {"fire": 1, "up": 1}, {"new": 5}, {"fire": 3, "up": 1}]


async def test_replies_are_what_other_people_say_there_within_an_hour(db: Database) -> None:
    takes = HotTakeRepository(db)
    message_id = await made(takes)
    hour = timedelta(hours=1)
    minute, late = snowflake_at(NOON + hour / 60), snowflake_at(NOON + hour + timedelta(seconds=1))
    messages = [
        ChatMessage(minute, CHANNEL, ANN, "ann", "no", GUILD),
        ChatMessage(minute + 1, CHANNEL, ANN, "ann", "never", GUILD),
        ChatMessage(minute + 2, CHANNEL, BOB, "bob", "yes", GUILD),
        ChatMessage(minute + 3, CHANNEL, 9, "bot", "beep", GUILD, is_bot=True),
        ChatMessage(minute + 4, CHANNEL + 1, ANN, "ann", "elsewhere", GUILD),
        ChatMessage(late, CHANNEL, ANN, "ann", "too late", GUILD),
    ]
    await MessageRepository(db).store(messages)
    assert await takes.count({message_id: ReactionTally()}) == []
    assert (await only(takes)).replies == 2


async def test_replies_are_counted_when_the_hour_is_over_and_then_no_more(db: Database) -> None:
    takes = HotTakeRepository(db)
    message_id = await made(takes)
    replies = [ChatMessage(message_id + n, CHANNEL, ANN, "ann", "no", GUILD) for n in (1, 2, 3)]
    await MessageRepository(db).store(replies)
    assert await takes.end_hours(NOON + timedelta(minutes=59)) == []
    assert await takes.end_hours(NOON + timedelta(minutes=61)) == [message_id]
    assert await takes.end_hours(NOON + timedelta(minutes=62)) == []
    assert (await only(takes)).replies == 3


async def test_the_model_is_asked_once_and_only_about_what_people_argue_about(db: Database) -> None:
    takes = HotTakeRepository(db)
    calm, loud = await made(takes, 1, up=4), await made(takes, 2, up=5)
    assert await takes.count({calm: ReactionTally(), loud: ReactionTally()}) == [loud]
    assert await takes.begin_asking(calm) is None
    asked = await takes.begin_asking(loud)
    assert asked is not None
    assert (asked.text, asked.author_id) == ("take 2", BOB)
    assert await takes.begin_asking(loud) is None  # it is being asked
    await db.execute("UPDATE hot_takes SET asked_at = now() - %s", [ASK_AGAIN_AFTER])
    assert await takes.begin_asking(loud) is not None
    await takes.rate(loud, 8.5)
    await db.execute("UPDATE hot_takes SET asked_at = NULL")
    assert await takes.begin_asking(loud) is None
    assert await takes.count({loud: ReactionTally()}) == []


async def test_boards_rank_within_the_guild_and_the_time(db: Database) -> None:
    takes = HotTakeRepository(db)
    for number, (rating, outcome) in enumerate([(9, "lost"), (6, "won"), (None, "mixed"), (0, "pending")]):
        await made(takes, number, up=number + 1)
        await db.execute(
            "UPDATE hot_takes SET controversy = %s, outcome = %s WHERE message_id = %s",
            [rating, outcome, said(number).id],
        )
    await made(takes, 8, guild=GUILD + 1, up=9)
    old = await made(takes, 9, up=9)
    await db.execute("UPDATE hot_takes SET made_at = %s WHERE message_id = %s", [LONG_AGO, old])
    boards = {
        board: [take.text for take in await takes.boards.top(GUILD, board, since=NOON - timedelta(days=1))]
        for board in ("controversial", "vindicated", "worst", "community", "combined")
    }
    assert boards == {
        "controversial": ["take 0", "take 1"],
        "vindicated": ["take 1"],
        "worst": ["take 0"],
        "community": ["take 3", "take 2", "take 1", "take 0"],
        "combined": ["take 1", "take 3", "take 0"],  # 6 x 10, 0 x 5, 9 x 0: the newer first
    }


async def test_a_person_sees_how_their_own_do(db: Database) -> None:
    takes = HotTakeRepository(db)
    assert await takes.boards.of_person(GUILD, BOB) is None
    ids = [await made(takes, number, up=1) for number in range(4)]
    await made(takes, 5, author=ANN)
    for message_id, outcome in zip(ids, ("won", "won", "lost", "mixed"), strict=True):
        await db.execute("UPDATE hot_takes SET outcome = %s WHERE message_id = %s", [outcome, message_id])
    await takes.rate(ids[1], 7)
    await takes.rate(ids[2], 4)
    own = await takes.boards.of_person(GUILD, BOB)
    assert own is not None
    assert (own.total, own.won, own.lost, own.mixed) == (4, 2, 1, 1)
    assert own.win_rate == pytest.approx(2 / 3)
    assert own.controversy == pytest.approx(5.5)
    assert own.spiciest.text == "take 1"


async def test_a_ruling_names_the_ruler_and_stays_in_its_guild(db: Database) -> None:
    takes = HotTakeRepository(db)
    await made(takes, 1, up=1)
    number = (await only(takes)).id
    with pytest.raises(HotTakeUnknown):
        await takes.boards.rule(GUILD + 1, number, "won", by_id=JUDGE, at=NOON)
    with pytest.raises(RulingRefused):
        await takes.boards.rule(GUILD, number, "won", by_id=BOB, at=NOON)
    ruled = await takes.boards.rule(GUILD, number, "won", by_id=JUDGE, at=NOON, notes="it did")
    assert (ruled.outcome, ruled.ruled_by, ruled.notes) == ("won", JUDGE, "it did")


async def test_a_withdrawal_erases_hot_takes_and_refuses_new_ones(db: Database) -> None:
    claims, takes = ClaimRepository(db), HotTakeRepository(db)
    message_id = await made(takes, 1, up=9)
    await withdraw(db, BOB)
    assert await db.fetch_value("SELECT count(*) FROM hot_takes") == 0
    assert not await takes.make(message_id, heat=1, at=NOON)
    assert not await takes.make_by_hand(said(2), text="x", heat=0, reactions={}, at=NOON)
    assert (await claims.receipts.page(GUILD)).claims == ()
