"""Claims and the checks that found them.

Whoever writes for a person locks that person's row first, as the message store does, so a withdrawal
is always before or after: what comes later is refused, what came before is hidden by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

import psycopg

from wompcore.db import Database
from wompcore.errors import RowsRefused
from wompcore.events import ChatMessage, MessageEdited
from wompcore.repos.contradictions import ContradictionBook
from wompcore.repos.receipts import ReceiptBook

SAME_TEXT_FOR: Final = timedelta(hours=24)
"""How long a text is not checked again in a guild (spec 04, section 1)."""

CHECK_ENDS_WITHIN: Final = timedelta(minutes=15)
"""A check that began longer ago and has not ended died with its process: it may be made again.

Longer than a call to the model may take (``llm.deadline_s``), so that none is paid for twice.
"""

EDITS_KEPT: Final = 50
"""Edits of a claim that are kept: the newest."""

_BEGIN: Final = """
WITH author AS (
    INSERT INTO people AS p (id, name) VALUES (%(author)s, %(name)s)
    ON CONFLICT (id) DO UPDATE SET name = p.name RETURNING p.opted_out
)
INSERT INTO claim_checks AS k (message_id, guild_id, author_id, text_hash, checked_at, outcome)
SELECT %(message)s, %(guild)s, %(author)s, %(hash)s, %(at)s, 'pending' FROM author
WHERE NOT opted_out AND NOT EXISTS (
    SELECT FROM claim_checks WHERE guild_id = %(guild)s AND text_hash = %(hash)s
        AND checked_at BETWEEN %(at)s - %(same_for)s AND %(at)s + %(same_for)s
        AND outcome <> 'failed' AND (outcome <> 'pending' OR begun_at > now() - %(ends_within)s)
)
ON CONFLICT (message_id) DO UPDATE SET outcome = 'pending', begun_at = now()
    WHERE k.outcome = 'failed' OR (k.outcome = 'pending' AND k.begun_at <= now() - %(ends_within)s)
RETURNING message_id
"""
_END: Final = "UPDATE claim_checks SET outcome = %s WHERE message_id = %s"
_STORE: Final = """
WITH author AS (
    SELECT id FROM people WHERE id = %(author)s AND NOT opted_out FOR SHARE
), claim AS (
    INSERT INTO claims (message_id, guild_id, channel_id, author_id, author_name, text, kind, confidence,
        context, said_at)
    SELECT %(message)s, %(guild)s, %(channel)s, id, %(name)s, %(text)s, %(kind)s, %(confidence)s,
        %(context)s, %(at)s
    FROM author ON CONFLICT (message_id) DO NOTHING RETURNING message_id
), ended AS (
    UPDATE claim_checks SET outcome = CASE WHEN EXISTS (SELECT FROM claim) THEN 'claim' ELSE 'refused' END
    WHERE message_id = %(message)s
)
SELECT pg_notify(%(told_on)s, message_id::text) FROM claim
"""
# What changed is judged by the hash of the whole message, as the claim may be worded by the model.
_EDIT: Final = """
WITH author AS (
    SELECT p.id FROM people p JOIN claims c ON c.author_id = p.id
    WHERE c.message_id = %(message)s AND NOT p.opted_out FOR SHARE OF p
), changed AS (
    UPDATE claim_checks SET text_hash = %(hash)s
    WHERE message_id = %(message)s AND text_hash <> %(hash)s AND EXISTS (SELECT FROM author)
    RETURNING message_id
), unsaid AS (
    DELETE FROM claim_contradictions x USING claims c, changed
    WHERE c.message_id = changed.message_id AND c.id IN (x.claim_id, x.older_id)
)
UPDATE claims c SET text = %(text)s, original_text = coalesce(c.original_text, c.text),
    edits = CASE WHEN jsonb_array_length(c.edits) < %(kept)s THEN c.edits ELSE c.edits - 0 END
        || jsonb_build_object('text', %(text)s::text, 'at', %(at)s::timestamptz)
FROM changed WHERE c.message_id = changed.message_id AND c.deleted_at IS NULL
"""
_DELETE: Final = """
WITH erased AS (
    DELETE FROM claims c USING people p
    WHERE c.message_id = ANY(%(ids)s::bigint[]) AND p.id = c.author_id AND p.opted_out
    RETURNING c.message_id
), unsaid AS (
    DELETE FROM claim_contradictions x USING claims c
    WHERE c.message_id = ANY(%(ids)s::bigint[]) AND c.id IN (x.claim_id, x.older_id)
)
UPDATE claims SET deleted_at = %(at)s
WHERE message_id = ANY(%(ids)s::bigint[]) AND deleted_at IS NULL
    AND message_id NOT IN (SELECT message_id FROM erased)
"""
_TRACKED: Final = """
SELECT message_id FROM claims WHERE message_id >= %s AND deleted_at IS NULL ORDER BY message_id DESC LIMIT %s
"""


class ClaimRepository:
    """Stores and changes claims.

    Args:
        db: The open database.

    Attributes:
        receipts: Finds claims and takes rulings.
        contradictions: Claims that do not go together.
        channel: Where NOTIFY tells of messages that carry a claim now; the payload is the id.
    """

    channel: Final = "claims_tracked"

    def __init__(self, db: Database) -> None:
        self._db = db
        self.receipts = ReceiptBook(db)
        self.contradictions = ContradictionBook(db)

    async def begin_check(self, message: ChatMessage) -> bool:
        """Note that a message is about to be checked, in one statement, before anything is paid.

        Returns:
            Whether to go on: False when the message was checked before (a failed check does not
            count, nor does one that never ended), when the same text was within 24 hours in the
            guild, or when the author withdrew.

        Raises:
            RowsRefused: An id does not fit.
        """
        values = {
            "message": message.id,
            "guild": message.guild_id,
            "author": message.author_id,
            "name": message.author_name,
            "hash": _hash(message.text),
            "at": message.at,
            "same_for": SAME_TEXT_FOR,
            "ends_within": CHECK_ENDS_WITHIN,
        }
        with _refusals():
            return await self._db.fetch_one(_BEGIN, values) is not None

    async def end_check(self, message_id: int, outcome: str) -> None:
        """Record how a check without a claim ended; ``failed`` lets the message be checked again."""
        await self._db.execute(_END, (outcome, message_id))

    async def store(
        self, message: ChatMessage, *, text: str, kind: str, confidence: str, context: str
    ) -> bool:
        """Record a claim and the end of its check, in one statement.

        Returns:
            False when nothing was stored: the author withdrew meanwhile, or it was there already.
        """
        values = {
            "message": message.id,
            "guild": message.guild_id,
            "channel": message.channel_id,
            "author": message.author_id,
            "name": message.author_name,
            "text": text,
            "kind": kind,
            "confidence": confidence,
            "context": context,
            "at": message.at,
            "told_on": self.channel,
        }
        with _refusals():
            return await self._db.fetch_one(_STORE, values) is not None

    async def edit(self, edit: MessageEdited) -> bool:
        """Record a new text; the claim becomes the whole new message.

        Returns:
            False when nothing changed: the text is the same (a link preview came), the author
            withdrew, or the message carries no claim.
        """
        values = {
            "message": edit.id,
            "text": edit.text,
            "hash": _hash(edit.text),
            "at": edit.edited_at,
            "kept": EDITS_KEPT,
        }
        with _refusals():
            return await self._db.execute(_EDIT, values) > 0

    async def delete(self, message_ids: Iterable[int], at: datetime) -> None:
        """Mark claims as deleted with their messages; erase those of people who withdrew."""
        await self._db.execute(_DELETE, {"ids": list(message_ids), "at": at})

    async def tracked(self, *, since_id: int, limit: int) -> list[int]:
        """Return the newest messages that carry claims, newest first.

        Args:
            since_id: A snowflake to start from.
            limit: Messages at most.
        """
        return [row[0] for row in await self._db.fetch_all(_TRACKED, (since_id, limit))]


def _hash(text: str) -> bytes:
    return blake2b(" ".join(text.split()).encode(), digest_size=16).digest()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except psycopg.DataError as error:
        raise RowsRefused(str(error).split("\n", 1)[0]) from error
