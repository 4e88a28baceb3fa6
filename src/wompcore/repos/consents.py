"""Consent in the database: the one source of truth, and what a withdrawal does there."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql

from wompcore.db import Database, as_owner

CHANNEL = "consent"
"""NOTIFY channel; the payload is ``purpose:person:revision:withdrawn``."""

REDACTED = "[redacted]"

_log = logging.getLogger(__name__)

# The person's row is locked first by everyone who writes for that person, so a withdrawal and a
# batch of messages are ordered: what was stored before is blanked here, what comes later is refused.
_LOCK_OUT = """
INSERT INTO people (id, name, opted_out) VALUES (%(person)s, %(redacted)s, true)
ON CONFLICT (id) DO UPDATE SET opted_out = true, name = %(redacted)s
"""
_LOCK_IN = """
INSERT INTO people (id, opted_out) VALUES (%(person)s, false)
ON CONFLICT (id) DO UPDATE SET opted_out = false
"""
_RECORD = """
INSERT INTO consents (person_id, purpose, withdrawn, revision, policy, method, changed_at)
VALUES (%(person)s, %(purpose)s, %(withdrawn)s, nextval('consent_revisions'), %(policy)s, %(method)s, %(at)s)
ON CONFLICT (person_id, purpose) DO UPDATE SET withdrawn = excluded.withdrawn,
    revision = excluded.revision, policy = excluded.policy, method = excluded.method,
    changed_at = excluded.changed_at
RETURNING revision
"""
# Words live on where a bot answered or named the person. Rows are locked in order, so that people who are
# quoted together can withdraw at once.
_UNQUOTE = """
WITH said AS MATERIALIZED (
    SELECT id, channel_id, lower(author_name) AS name FROM messages
    WHERE author_id = %(person)s AND text <> ''
), names AS MATERIALIZED (
    SELECT DISTINCT channel_id, name FROM said
), answers AS (
    SELECT m.id FROM messages m JOIN people p ON p.id = m.author_id AND p.is_bot
    WHERE m.text <> '' AND m.author_id <> %(person)s AND (m.reply_to_id IN (SELECT id FROM said) OR EXISTS (
        SELECT FROM names n WHERE n.channel_id = m.channel_id AND strpos(lower(m.text), n.name) > 0))
    ORDER BY m.id FOR UPDATE OF m
)
UPDATE messages m SET text = '' FROM answers a WHERE m.id = a.id
"""
_BLANK = "UPDATE messages SET text = '', author_name = %(redacted)s WHERE author_id = %(person)s"
_UNPARK = "DELETE FROM parked_messages WHERE person_id = %(person)s"
_UNCHECK = "DELETE FROM claim_checks WHERE author_id = %(person)s"
# What the person was quoted with, and what they saved; a quote that nobody else saved goes with them.
_UNQUOTED = """
WITH unsaved AS (
    DELETE FROM quote_savers WHERE person_id = %(person)s RETURNING message_id
)
DELETE FROM quotes q WHERE q.author_id = %(person)s OR (
    q.message_id IN (SELECT message_id FROM unsaved) AND NOT EXISTS (
        SELECT FROM quote_savers s WHERE s.message_id = q.message_id AND s.person_id <> %(person)s))
"""
_COOL = "DELETE FROM hot_takes WHERE author_id = %(person)s"
_UNCONTRADICT = "DELETE FROM claim_contradictions WHERE author_id = %(person)s"
_UNLISTEN = "DELETE FROM contradiction_listeners WHERE person_id = %(person)s"
_UNLEARN = "DELETE FROM claim_lessons WHERE author_id = %(person)s"
_UNCOOL = "DELETE FROM claim_cooldowns WHERE person_id = %(person)s"
# What plugins declared, loaded or not. A table that fails is left to its owner: no withdrawal fails for one,
# nor waits for it for long.
_DECLARED = """
SELECT h.table_name, h.person_column FROM holders h
JOIN pg_attribute a ON a.attrelid = to_regclass(h.table_name) AND a.attname = h.person_column
    AND NOT a.attisdropped
WHERE h.owner <> 'core' AND h.on_opt_out = 'delete' ORDER BY 1, 2
"""
_AUDIT = """
INSERT INTO audit_log (at, action, person_id, by_id, details)
VALUES (%(at)s, %(action)s, %(person)s, %(person)s, jsonb_build_object('method', %(method)s::text))
"""
_TELL = "SELECT pg_notify(%(channel)s, %(payload)s)"
_CHANGES = "SELECT person_id, revision, withdrawn FROM consents WHERE purpose = %s"


class ConsentRepository:
    """Reads and changes consent.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def changes(self, purpose: str) -> dict[int, tuple[int, bool]]:
        """Return everyone who ever decided: the revision, and whether they withdrew."""
        rows = await self._db.fetch_all(_CHANGES, (purpose,))
        return {person_id: (revision, withdrawn) for person_id, revision, withdrawn in rows}

    async def change(
        self, person_id: int, purpose: str, *, withdrawn: bool, policy: str, method: str, at: datetime
    ) -> int:
        """Record a change, do what it means for stored text, and tell every process.

        Returns:
            The change's revision; a later change of the same person has a higher one.
        """
        values = {
            "person": person_id,
            "purpose": purpose,
            "withdrawn": withdrawn,
            "policy": policy,
            "method": method,
            "at": at,
            "redacted": REDACTED,
            "channel": CHANNEL,
            "action": "consent_withdrawn" if withdrawn else "consent_given",
        }
        async with self._db.transaction() as connection:
            await connection.execute(_LOCK_OUT if withdrawn else _LOCK_IN, values)
            row = await (await connection.execute(_RECORD, values)).fetchone()
            assert row is not None  # RETURNING of an upsert always gives its row
            if withdrawn:
                await connection.execute(_UNQUOTE, values)
                await connection.execute(_BLANK, values)
                await connection.execute(_UNPARK, values)
                await connection.execute(_UNCHECK, values)
                await connection.execute(_COOL, values)
                await connection.execute(_UNQUOTED, values)
                await connection.execute(_UNCONTRADICT, values)
                await connection.execute(_UNLISTEN, values)
                await connection.execute(_UNCOOL, values)
                await connection.execute(_UNLEARN, values)
                await _delete_declared(connection, person_id)
            await connection.execute(_AUDIT, values)
            payload = f"{purpose}:{person_id}:{row[0]}:{int(withdrawn)}"
            await connection.execute(_TELL, {**values, "payload": payload})
        return int(row[0])


async def _delete_declared(connection: AsyncConnection[Any], person_id: int) -> None:
    for table, column in await (await connection.execute(_DECLARED)).fetchall():
        query = sql.SQL("DELETE FROM {} WHERE {} = %s").format(
            sql.Identifier(*table.split(".", 1)), sql.Identifier(column)
        )
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '1s'")
                async with as_owner(connection, table):
                    await connection.execute(query, [str(person_id)])
        except psycopg.Error as error:
            _log.error("%s is not cleared of a person who opted out: %s", table, error)
