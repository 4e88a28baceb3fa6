"""Quotes: saved by people, chosen by when they were saved, gone with their author or their message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from wompcore.claims import Mode, Quotes
from wompcore.claims.quotes import since_of
from wompcore.clock import SteppedClock
from wompcore.consent import MESSAGES
from wompcore.db import Database, Listener
from wompcore.errors import QuoteRefused
from wompcore.events import ChatMessage, MessageEdited
from wompcore.ids import snowflake_at
from wompcore.repos.consents import ConsentRepository
from wompcore.repos.messages import MessageRepository
from wompcore.repos.quotes import QuoteRepository

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GUILD, CHANNEL, BOB, ANN, CARL, DORA = 10, 20, 1, 2, 3, 4


def said(number: int, text: str = "", *, author: int = BOB, guild: int | None = GUILD, **flags: bool):
    at = NOON - timedelta(days=400)  # long before anybody saves it
    return ChatMessage(
        snowflake_at(at, number),
        CHANNEL,
        author,
        f"person{author}",
        text or f"words {number}",
        guild,
        **flags,
    )


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
async def quotes(db: Database, clock: SteppedClock) -> AsyncIterator[Quotes]:
    async with Listener.open(db) as listener, Quotes.open(QuoteRepository(db), listener, clock) as quotes:
        yield quotes


async def shown(quotes: Quotes, guild: int = GUILD) -> list[tuple[str, int]]:
    return [(quote.text, quote.savers) for quote in (await quotes.page(guild)).quotes]


async def withdraw(db: Database, person_id: int) -> None:
    await ConsentRepository(db).change(
        person_id, MESSAGES, withdrawn=True, policy="1", method="test", at=NOON
    )


async def test_each_person_counts_once_and_saving_is_one_statement(db: Database, quotes: Quotes) -> None:
    before = db.statements
    assert await quotes.save(said(1), ANN, by_reaction=True)
    assert db.statements == before + 1
    for saver in (ANN, CARL, CARL):
        assert not await quotes.save(said(1), saver, by_reaction=True)
    assert await shown(quotes) == [("words 1", 2)]
    [quote] = (await quotes.page(GUILD)).quotes
    assert quote.first_id == ANN


async def test_a_reaction_that_is_taken_back_lowers_and_the_last_takes_the_quote_along(
    quotes: Quotes,
) -> None:
    for saver in (ANN, CARL):
        await quotes.save(said(1), saver, by_reaction=True)
    await quotes.take_back(said(1).id, ANN)
    await quotes.take_back(said(1).id, DORA)
    assert await shown(quotes) == [("words 1", 1)]
    await quotes.take_back(said(1).id, CARL)
    assert await shown(quotes) == []


async def test_what_was_saved_from_the_menu_stays_when_reactions_go(quotes: Quotes) -> None:
    await quotes.save(said(1), ANN, by_reaction=True)
    await quotes.save(said(1), ANN, by_reaction=False)
    await quotes.save(said(1), CARL, by_reaction=True)
    await quotes.take_back(said(1).id)
    assert await shown(quotes) == [("words 1", 1)]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (said(1, " \n"), "no words"),
        (said(1, is_bot=True), "no bots"),
        (said(1, allowed=False), "may not be kept"),
        (said(1, guild=None), "in a server"),
    ],
)
async def test_what_cannot_be_quoted_says_why(
    db: Database, quotes: Quotes, message: ChatMessage, why: str
) -> None:
    with pytest.raises(QuoteRefused, match=why):
        await quotes.save(message, ANN, by_reaction=False)
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


@pytest.mark.parametrize("who", [BOB, ANN])
async def test_who_withdrew_is_neither_quoted_nor_kept_as_a_saver(
    db: Database, quotes: Quotes, who: int
) -> None:
    await withdraw(db, who)
    with pytest.raises(QuoteRefused):
        await quotes.save(said(1), ANN, by_reaction=True)
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


async def test_a_withdrawal_erases_what_the_person_said_and_saved(db: Database, quotes: Quotes) -> None:
    await quotes.save(said(1), ANN, by_reaction=True)
    await quotes.save(said(2, author=CARL), BOB, by_reaction=True)
    await quotes.save(said(3, author=CARL), BOB, by_reaction=True)
    await quotes.save(said(3, author=CARL), ANN, by_reaction=True)
    await withdraw(db, BOB)
    assert await shown(quotes) == [("words 3", 1)]
    assert await db.fetch_value("SELECT count(*) FROM quote_savers") == 1


async def test_a_quote_follows_edits_and_goes_with_its_message(quotes: Quotes) -> None:
    for number in (1, 2, 3):
        await quotes.save(said(number), ANN, by_reaction=True)
    quotes.edited(MessageEdited(said(1).id, "better words", BOB, NOON))
    quotes.edited(MessageEdited(said(2).id, " ", BOB, NOON))
    quotes.edited(MessageEdited(said(9).id, "of no quote", BOB, NOON))
    quotes.deleted([said(3).id, said(9).id])
    await quotes.settled()
    assert await shown(quotes) == [("better words", 1)]
    assert said(3).id not in quotes.tracked


async def test_quotes_stay_in_their_guild_and_can_be_of_one_person(quotes: Quotes) -> None:
    await quotes.save(said(1), ANN, by_reaction=True)
    await quotes.save(said(2, author=CARL), ANN, by_reaction=True)
    await quotes.save(said(3, guild=GUILD + 1), ANN, by_reaction=True)
    assert await shown(quotes) == [("words 2", 1), ("words 1", 1)]
    page = await quotes.page(GUILD, person_id=CARL)
    assert ([quote.text for quote in page.quotes], page.total) == (["words 2"], 1)
    assert await quotes.of_the_day(GUILD + 2, "random", UTC) is None


async def test_what_was_said_around_comes_from_people_who_consent(db: Database, quotes: Quotes) -> None:
    numbers = range(1, 8)
    await MessageRepository(db).store(
        [said(number, author=DORA if number == 3 else BOB) for number in numbers]
    )
    await quotes.save(said(4), ANN, by_reaction=True)
    await withdraw(db, DORA)
    [quote] = (await quotes.page(GUILD)).quotes
    around = [(line.after, line.text) for line in await quotes.around(quote)]
    assert around == [(False, "words 1"), (False, "words 2"), (True, "words 5"), (True, "words 6")]


def test_the_day_begins_at_midnight_where_the_guild_is_also_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    late = datetime(2026, 3, 29, 21, 30, tzinfo=UTC)  # 23:30 there; the night before had no 2 o'clock
    assert since_of("daily", late, berlin) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert since_of("daily", late, UTC) == datetime(2026, 3, 29, tzinfo=UTC)
    assert since_of("weekly", late, berlin) == late - timedelta(days=7)
    assert since_of("monthly", late, berlin) == late - timedelta(days=30)


async def test_the_quote_of_the_day_goes_by_when_it_was_saved(quotes: Quotes, clock: SteppedClock) -> None:
    for number, (text, days) in enumerate({"old": 0, "month": 20, "week": 16, "today": 4}.items()):
        clock.advance(days * 86400)
        for saver in range(ANN, ANN + 4 - number):
            await quotes.save(said(number, text), saver, by_reaction=True)
    modes: tuple[Mode, ...] = ("daily", "weekly", "monthly")
    chosen = [await quotes.of_the_day(GUILD, mode, UTC) for mode in modes]
    assert [quote.text for quote in chosen if quote] == ["today", "week", "month"]


async def test_of_all_time_comes_from_the_best_twenty_and_random_from_all(
    db: Database, quotes: Quotes
) -> None:
    for number in range(25):
        await quotes.save(said(number), ANN, by_reaction=True)
        if number >= 10:
            await quotes.save(said(number), CARL, by_reaction=True)
    chosen = [await quotes.of_the_day(GUILD, "alltime", UTC) for _ in range(60)]
    found = {quote.text for quote in chosen if quote}
    assert found <= {f"words {number}" for number in range(5, 25)}  # of equals the newer
    assert len(found) > 5
    assert len({await quotes.of_the_day(GUILD, "random", UTC) for _ in range(60)}) > 5
