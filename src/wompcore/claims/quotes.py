"""Quotes: what people keep of what somebody said, and which is the one of the day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, Literal, get_args

from wompcore.claims.changes import Change, Changes
from wompcore.clock import Clock
from wompcore.errors import QuoteRefused
from wompcore.events import ChatMessage, MessageEdited
from wompcore.text import bound

if TYPE_CHECKING:
    from wompcore.db import KnownIds, Listener
    from wompcore.repos.quotes import Choice, Quotations, Quote, QuoteRepository, Spoken

Mode = Literal["daily", "weekly", "monthly", "alltime", "random"]

MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""The ways to choose a quote of the day."""

TEXT_CHARS: Final = 2000
"""Length of a quote as it is stored, characters."""

_CLOSE_WITHIN_S: Final = 10.0
_CHOICES: Final[dict[Mode, Choice]] = {"alltime": "favourite", "random": "any"}


def since_of(mode: Mode, now: datetime, zone: tzinfo) -> datetime:
    """Return the moment from which on a saved quote counts.

    Args:
        mode: Daily counts from local midnight, weekly for 7 days, monthly for 30; the others for ever.
        now: The time now, aware.
        zone: Where midnight is.
    """
    if mode == "daily":
        return datetime.combine(now.astimezone(zone).date(), time(), zone)
    days = {"weekly": 7, "monthly": 30}.get(mode)
    return now - timedelta(days=days) if days else datetime.min.replace(tzinfo=now.tzinfo)


class Quotes:
    """Keeps quotes. Made by :meth:`open`.

    Attributes:
        tracked: The messages that are quoted.
    """

    def __init__(self, book: QuoteRepository, tracked: KnownIds, clock: Clock) -> None:
        self._book = book
        self.tracked = tracked
        self._clock = clock
        self._changes = Changes("quote", self._keep)

    @classmethod
    @asynccontextmanager
    async def open(cls, book: QuoteRepository, listener: Listener, clock: Clock) -> AsyncIterator[Quotes]:
        """Open with every quoted message known.

        Args:
            book: Where quotes are kept.
            listener: Tells of quotes of other processes.
            clock: Tells when a quote is saved.
        """
        quotes = cls(book, await book.known(listener), clock)
        worker = asyncio.create_task(quotes._changes.work())
        try:
            yield quotes
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_WITHIN_S):
                    await quotes.settled()
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def save(self, message: ChatMessage, saver_id: int, *, by_reaction: bool) -> bool:
        """Keep a message because somebody wants it kept; each person counts once.

        Returns:
            Whether it was not quoted before.

        Raises:
            QuoteRefused: It was not said in a server by a person who lets it be kept, or has no text.
        """
        text = bound(message.text.strip(), TEXT_CHARS)
        if message.guild_id is None:
            raise QuoteRefused("Only what is said in a server can be quoted")
        if message.is_bot:
            raise QuoteRefused("Only people can be quoted, no bots")
        if not text:
            raise QuoteRefused("That message has no words to quote")
        new = None
        if message.allowed:
            new = await self._book.save(
                message, text=text, saver_id=saver_id, by_reaction=by_reaction, at=self._clock.now()
            )
        if new is None:
            raise QuoteRefused("Its author or you opted out, or this channel is left out: it may not be kept")
        self.tracked.add(message.id)
        return new

    async def take_back(self, message_id: int, person_id: int | None = None) -> None:
        """Take note that somebody's reaction is gone, or everybody's; the last one takes the quote along."""
        if message_id in self.tracked:
            await self._book.take_back(message_id, person_id)

    async def page(
        self,
        guild_id: int,
        *,
        person_id: int | None = None,
        words: str = "",
        before_id: int | None = None,
        after_id: int | None = None,
        limit: int = 10,
    ) -> Quotations:
        """Return quotes of a guild, newest first; see :meth:`QuoteRepository.page`."""
        return await self._book.page(
            guild_id,
            person_id=person_id,
            words=words,
            before_id=before_id,
            after_id=after_id,
            limit=limit,
        )

    async def of_the_day(self, guild_id: int, mode: Mode, zone: tzinfo) -> Quote | None:
        """Return a guild's quote of the day; ``None`` when there is none.

        Args:
            guild_id: Where.
            mode: How it is chosen: the one most people saved today, these 7 or these 30 days, by when
                it was saved; a favourite of all time; or any.
            zone: Where midnight is.
        """
        now = self._clock.now()
        choice = _CHOICES.get(mode, "most")
        return await self._book.choose(guild_id, choice, now=now, since=since_of(mode, now, zone))

    async def around(self, quote: Quote) -> list[Spoken]:
        """Return what people who consent said right before and after a quote, in order."""
        return await self._book.around(quote)

    def edited(self, edit: MessageEdited) -> None:
        """Take an edit in; costs a look-up when the message is not quoted."""
        if edit.id in self.tracked:
            self._changes.put(edit)

    def deleted(self, message_ids: Iterable[int]) -> None:
        """Take deletions in; costs a look-up for a message that is not quoted."""
        for message_id in message_ids:
            if message_id in self.tracked:
                self._changes.put(message_id)

    async def settled(self) -> None:
        """Wait until edits and deletions are kept."""
        await self._changes.settled()

    async def _keep(self, change: Change) -> None:
        text = "" if isinstance(change, int) else bound(change.text.strip(), TEXT_CHARS)
        if isinstance(change, MessageEdited) and text:
            await self._book.edit(change, text)
            return
        message_id = change if isinstance(change, int) else change.id
        await self._book.delete([message_id])
        self.tracked.discard(message_id)
