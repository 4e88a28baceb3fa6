"""Claims, and what becomes of them.

Whoever writes for a person locks that person's row first, as the message store does, so a withdrawal
is always before or after: what comes later is refused, what came before is hidden by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from wompcore.db import Database
from wompcore.events import ChatMessage, MessageEdited
from wompcore.ids import MAX_ID
from wompcore.repos.claim_checks import CheckBook, text_hash
from wompcore.repos.contradictions import ContradictionBook
from wompcore.repos.due_claims import DueClaims
from wompcore.repos.lessons import LessonBook
from wompcore.repos.receipts import ReceiptBook
from wompcore.repos.refused import refusals

EDITS_KEPT: Final = 50
"""Edits of a claim that are kept: the newest."""

_STORE: Final = """
WITH author AS (
    SELECT id FROM people WHERE id = %(author)s AND NOT opted_out FOR SHARE
), claim AS (
    INSERT INTO claims (message_id, guild_id, channel_id, author_id, author_name, text, kind, confidence,
        context_ids, said_at, horizon, due_on)
    SELECT %(message)s, %(guild)s, %(channel)s, id, %(name)s, %(text)s, %(kind)s, %(confidence)s,
        %(context_ids)s, %(at)s, %(horizon)s, %(due_on)s
    FROM author ON CONFLICT (message_id) DO NOTHING RETURNING message_id
), ended AS (
    UPDATE claim_checks SET outcome = CASE WHEN EXISTS (SELECT FROM claim) THEN 'claim' ELSE 'refused' END
    WHERE message_id = %(message)s
)
SELECT pg_notify(%(told_on)s, message_id::text) FROM claim
"""
# What changed is judged by the hash of the whole message, as the claim may be worded by the model. Its due
# day stays as long as the words for it do.
_SAYS_WHEN: Final = "strpos(lower(%(text)s::text), lower(c.horizon)) > 0"
_EDIT: Final = f"""
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
UPDATE claims c SET text = %(text)s,
    horizon = CASE WHEN {_SAYS_WHEN} THEN c.horizon ELSE '' END,
    due_on = CASE WHEN {_SAYS_WHEN} THEN c.due_on END,
    original_text = coalesce(c.original_text, c.text),
    edits = CASE WHEN jsonb_array_length(c.edits) < %(kept)s THEN c.edits ELSE c.edits - 0 END
        || jsonb_build_object('text', %(text)s::text, 'at', %(at)s::timestamptz)
FROM changed WHERE c.message_id = changed.message_id AND c.deleted_at IS NULL
"""
_DELETE: Final = """
WITH unlearned AS (
    DELETE FROM claim_lessons WHERE message_id = ANY(%(ids)s::bigint[])
), erased AS (
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
(SELECT message_id FROM claims WHERE message_id >= %(since)s AND deleted_at IS NULL
    ORDER BY message_id DESC LIMIT %(limit)s)
UNION
(SELECT message_id FROM claim_lessons WHERE message_id >= %(since)s ORDER BY message_id DESC LIMIT %(limit)s)
ORDER BY message_id DESC LIMIT %(limit)s
"""


class ClaimRepository(CheckBook):
    """Stores and changes claims.

    Args:
        db: The open database.

    Attributes:
        receipts: Finds claims and takes rulings.
        contradictions: Claims that do not go together.
        lessons: What the filter can learn from.
        due: Claims whose day is over.
        channel: Where NOTIFY tells of messages that carry a claim or a lesson now; the payload is the id.
    """

    channel: Final = "claims_tracked"

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.receipts = ReceiptBook(db)
        self.contradictions = ContradictionBook(db)
        self.lessons = LessonBook(db)
        self.due = DueClaims(db)

    async def store(
        self,
        message: ChatMessage,
        *,
        text: str,
        kind: str,
        confidence: str,
        context_ids: Iterable[int] = (),
        horizon: str = "",
        due_on: date | None = None,
    ) -> bool:
        """Record a claim and the end of its check, in one statement.

        Args:
            message: The message that carries it.
            text: What is claimed.
            kind: ``prediction``, ``fact``, ``opinion`` or ``guarantee``.
            confidence: ``certain``, ``probable`` or ``uncertain``.
            context_ids: Up to three messages before it.
            horizon: The words that say when it comes true.
            due_on: The last day on which it can, where it was said.

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
            "context_ids": [each for each in context_ids if each <= MAX_ID],
            "horizon": horizon,
            "due_on": due_on,
            "at": message.at,
            "told_on": self.channel,
        }
        with refusals():
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
            "hash": text_hash(edit.text),
            "at": edit.edited_at,
            "kept": EDITS_KEPT,
        }
        with refusals():
            return await self._db.execute(_EDIT, values) > 0

    async def delete(self, message_ids: Iterable[int], at: datetime) -> None:
        """Mark claims as deleted with their messages; erase those of people who withdrew, and all lessons."""
        await self._db.execute(_DELETE, {"ids": list(message_ids), "at": at})

    async def tracked(self, *, since_id: int, limit: int) -> list[int]:
        """Return the newest messages that carry claims or lessons, newest first.

        Args:
            since_id: A snowflake to start from.
            limit: Messages at most.
        """
        return [row[0] for row in await self._db.fetch_all(_TRACKED, {"since": since_id, "limit": limit})]
