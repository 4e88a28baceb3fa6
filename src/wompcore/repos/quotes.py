"""Quotes: what people want to keep of what somebody said.

As with claims, whoever writes for a person locks that person's row first, so a withdrawal finds every
quote of theirs and erases it; none has to be left out when quotes are read. What was said before and
after is not kept again: it is read from the messages, so it changes and goes with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from wompcore.db import Database, KnownIds, Listener
from wompcore.events import ChatMessage, MessageEdited
from wompcore.ids import MAX_ID
from wompcore.repos.receipts import ASKED

Choice = Literal["most", "favourite", "any"]

LINES: Final = 2
"""Messages shown before a quote, and after it (spec 04, section 7)."""

_SAVE: Final = """
WITH concerned AS (
    INSERT INTO people AS p (id, name)
    SELECT DISTINCT ON (id) id, name
    FROM (VALUES (%(author)s::bigint, %(name)s), (%(saver)s::bigint, '')) AS v (id, name)
    ORDER BY id, name DESC
    ON CONFLICT (id) DO UPDATE SET name = p.name RETURNING p.opted_out
), allowed AS (
    SELECT %(message)s::bigint AS message_id WHERE NOT EXISTS (SELECT FROM concerned WHERE opted_out)
), quote AS (
    INSERT INTO quotes (message_id, guild_id, channel_id, author_id, author_name, text, saved_at)
    SELECT message_id, %(guild)s, %(channel)s, %(author)s, %(name)s, %(text)s, %(at)s FROM allowed
    WHERE NOT EXISTS (SELECT FROM quotes WHERE message_id = %(message)s)  -- uses up no number
    ON CONFLICT (message_id) DO NOTHING RETURNING message_id
), saver AS (
    INSERT INTO quote_savers AS s (message_id, person_id, by_reaction, saved_at)
    SELECT message_id, %(saver)s, %(by_reaction)s, %(at)s FROM allowed
    ON CONFLICT (message_id, person_id) DO UPDATE SET by_reaction = s.by_reaction AND excluded.by_reaction
)
SELECT (SELECT count(pg_notify(%(told_on)s, message_id::text)) > 0 FROM quote) FROM allowed
"""
# The last one who takes it back takes the quote along.
_TAKE_BACK: Final = """
WITH gone AS (
    DELETE FROM quote_savers WHERE message_id = %(message)s AND by_reaction
        AND (%(person)s::bigint IS NULL OR person_id = %(person)s)
    RETURNING person_id
)
DELETE FROM quotes WHERE message_id = %(message)s AND EXISTS (SELECT FROM gone) AND NOT EXISTS (
    SELECT FROM quote_savers s WHERE s.message_id = %(message)s
        AND s.person_id NOT IN (SELECT person_id FROM gone))
"""
_EDIT: Final = "UPDATE quotes SET text = %(text)s WHERE message_id = %(message)s"
_DELETE: Final = "DELETE FROM quotes WHERE message_id = ANY(%s::bigint[])"
_COLUMNS: Final = """q.id, q.message_id, q.guild_id, q.channel_id, q.author_id, q.author_name, q.text,
    q.saved_at, s.savers, s.first_id"""
_SAVERS: Final = """CROSS JOIN LATERAL (
    SELECT count(*) AS savers, (array_agg(person_id ORDER BY saved_at, person_id))[1] AS first_id
    FROM quote_savers WHERE message_id = q.message_id
) AS s"""
_QUOTE: Final = f"""
SELECT {_COLUMNS} FROM quotes q {_SAVERS} WHERE q.guild_id = %(guild)s"""
_CHOICES: Final[dict[Choice, str]] = {
    "most": f"{_QUOTE} AND q.saved_at >= %(since)s ORDER BY s.savers DESC, q.id DESC LIMIT 1",
    "favourite": f"""
        SELECT * FROM ({_QUOTE}
            ORDER BY s.savers + 30 / (extract(epoch FROM %(now)s - q.saved_at)::float8 / 86400 + 30) DESC,
            q.id DESC LIMIT 20) AS best
        ORDER BY random() LIMIT 1""",
    "any": f"{_QUOTE} ORDER BY random() LIMIT 1",
}
_AROUND: Final = """
WITH said AS (
    (SELECT m.* FROM messages m JOIN people p ON p.id = m.author_id AND NOT p.opted_out
    WHERE m.channel_id = %(channel)s AND m.id < %(message)s AND m.text <> ''
    ORDER BY m.id DESC LIMIT %(lines)s)
    UNION ALL
    (SELECT m.* FROM messages m JOIN people p ON p.id = m.author_id AND NOT p.opted_out
    WHERE m.channel_id = %(channel)s AND m.id > %(message)s AND m.text <> ''
    ORDER BY m.id LIMIT %(lines)s)
)
SELECT id > %(message)s, author_name, text FROM said ORDER BY id
"""
_PACKED: Final = """
SELECT string_agg(int8send(message_id), '' ORDER BY message_id)
FROM (SELECT message_id FROM quotes ORDER BY message_id DESC LIMIT %s) AS newest
"""


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote on record.

    Args:
        id: Its number, shown as ``#id``.
        message_id: The message that is quoted.
        guild_id: Where.
        channel_id: Where.
        author_id: Who said it.
        author_name: The author's name then.
        text: What was said; after an edit the new text.
        saved_at: When it was saved first.
        savers: How many people saved it.
        first_id: Who of them did first.
    """

    id: int
    message_id: int
    guild_id: int
    channel_id: int
    author_id: int
    author_name: str
    text: str
    saved_at: datetime
    savers: int
    first_id: int | None


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said around a quote.

    Args:
        after: After the quote, not before.
        author_name: Who said it.
        text: What.
    """

    after: bool
    author_name: str
    text: str


@dataclass(frozen=True, slots=True)
class Quotations:
    """A page of quotes.

    Args:
        quotes: The newest first.
        total: How many there are on all pages.
        newer: Whether there are newer ones than these.
        older: Whether there are older ones than these.
    """

    quotes: tuple[Quote, ...]
    total: int
    newer: bool = False
    older: bool = False


class QuoteRepository:
    """Stores and finds quotes.

    Args:
        db: The open database.

    Attributes:
        channel: Where NOTIFY tells of messages that are quoted now; the payload is the id.
    """

    channel: Final = "quotes_tracked"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def save(
        self, message: ChatMessage, *, text: str, saver_id: int, by_reaction: bool, at: datetime
    ) -> bool | None:
        """Record that somebody saves a message, in one statement; each person counts once.

        Returns:
            Whether it was not quoted before; ``None`` when its author or the saver withdrew.
        """
        values = {
            "message": message.id,
            "guild": message.guild_id,
            "channel": message.channel_id,
            "author": message.author_id,
            "name": message.author_name,
            "text": text,
            "saver": saver_id,
            "by_reaction": by_reaction,
            "at": at,
            "told_on": self.channel,
        }
        row = await self._db.fetch_one(_SAVE, values)
        return None if row is None else bool(row[0])

    async def take_back(self, message_id: int, person_id: int | None = None) -> None:
        """Record that a reaction was taken back, or all of them; a quote that nobody saves any more goes."""
        await self._db.execute(_TAKE_BACK, {"message": message_id, "person": person_id})

    async def edit(self, edit: MessageEdited, text: str) -> None:
        """Record a new text."""
        await self._db.execute(_EDIT, {"message": edit.id, "text": text})

    async def delete(self, message_ids: Iterable[int]) -> None:
        """Remove quotes with their messages."""
        await self._db.execute(_DELETE, (list(message_ids),))

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
        """Return quotes of a guild, newest first.

        Args:
            guild_id: Where.
            person_id: Only theirs.
            words: Only those with all these words, in any case; the last may be the beginning of one.
            before_id: Only quotes with a lower number: the next page.
            after_id: Only quotes with a higher number, those nearest to it: the page before.
            limit: Quotes at most.
        """
        values = {"guild": guild_id, "person": person_id, "words": words, "limit": limit + 1}
        back = after_id is not None
        values["from"] = after_id if back else MAX_ID if before_id is None else before_id
        rows = await self._db.fetch_all(_page(person_id is not None, bool(words), back=back), values)
        total = rows[0][0] if rows else 0
        quotes = [Quote(*row[1:]) for row in rows[:limit] if row[1] is not None]
        more = len(rows) > limit
        if back:
            return Quotations(tuple(reversed(quotes)), total, newer=more, older=True)
        return Quotations(tuple(quotes), total, newer=before_id is not None, older=more)

    async def choose(self, guild_id: int, choice: Choice, *, now: datetime, since: datetime) -> Quote | None:
        """Return one quote of a guild.

        Args:
            guild_id: Where.
            choice: The one most people saved since then; any of the 20 best of all, where a new one
                has a head start; or any.
            now: The time now.
            since: Counts for ``most`` only.
        """
        row = await self._db.fetch_one(_CHOICES[choice], {"guild": guild_id, "now": now, "since": since})
        return None if row is None else Quote(*row)

    async def around(self, quote: Quote) -> list[Spoken]:
        """Return what people who consent said right before and after a quote, in order."""
        values = {"channel": quote.channel_id, "message": quote.message_id, "lines": LINES}
        return [Spoken(*row) for row in await self._db.fetch_all(_AROUND, values)]

    async def known(self, listener: Listener) -> KnownIds:
        """Return the messages that are quoted, known from now on in this process."""
        return await KnownIds.follow(listener, self.channel, self._packed)

    async def _packed(self, limit: int) -> bytes:
        return bytes(await self._db.fetch_value(_PACKED, (limit,)) or b"")


def _page(of_person: bool, with_words: bool, *, back: bool) -> str:
    """Return the statement for a page: only what is asked for, so that each has its own plan."""
    wanted = "q.guild_id = %(guild)s"
    if of_person:
        wanted += " AND q.author_id = %(person)s"
    if with_words:
        wanted += " AND q.words @@ asked.words"
    step, order = (">", "ASC") if back else ("<", "DESC")
    return f"""
WITH {ASKED if with_words else ""}found AS MATERIALIZED (
    SELECT q.id FROM {"asked, " if with_words else ""}quotes q WHERE {wanted}
), page AS (
    SELECT id FROM found WHERE id {step} %(from)s ORDER BY id {order} LIMIT %(limit)s
)
SELECT total.count, {_COLUMNS} FROM (SELECT count(*) FROM found) AS total
LEFT JOIN (page JOIN quotes q USING (id) {_SAVERS}) ON true ORDER BY q.id {order}
"""
