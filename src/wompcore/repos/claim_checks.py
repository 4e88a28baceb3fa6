"""Checks of messages for claims: each paid for once, and no more than all processes together may pay for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from wompcore.db import Database
from wompcore.errors import LimitReached
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at
from wompcore.repos.refused import refusals

SAME_TEXT_FOR: Final = timedelta(hours=24)
"""How long a text is not checked again in a guild (spec 04, section 1)."""

CHECK_ENDS_WITHIN: Final = timedelta(minutes=15)
"""A check that began longer ago and has not ended died with its process: it may be made again.

Longer than a call to the model may take (``llm.deadline_s``), so that none is paid for twice.
"""

COOLDOWNS_KEPT: Final = timedelta(days=2)
"""How long it is known when a person was last checked; the longest cooldown is a day."""

DAYS_KEPT: Final = 35
"""How long a guild's checks per day are known, days."""

UNLIMITED: Final = 2**31 - 1
"""More checks than a day has."""

# What two processes may race for is decided by the row they both write: the author's last check, the guild's
# day. A check that is cut off by the day has taken its author's place, until its day ends.
_BEGIN: Final = """
WITH author AS (
    INSERT INTO people AS p (id, name) VALUES (%(author)s, %(name)s)
    ON CONFLICT (id) DO UPDATE SET name = p.name RETURNING p.opted_out
), fresh AS (
    SELECT FROM author WHERE NOT opted_out AND NOT EXISTS (
        SELECT FROM claim_checks WHERE message_id = %(message)s
            AND outcome <> 'failed' AND (outcome <> 'pending' OR begun_at > now() - %(ends_within)s)
    ) AND NOT EXISTS (
        SELECT FROM claim_checks WHERE guild_id = %(guild)s AND text_hash = %(hash)s
            AND checked_at BETWEEN %(at)s - %(same_for)s AND %(at)s + %(same_for)s
            AND outcome <> 'failed' AND (outcome <> 'pending' OR begun_at > now() - %(ends_within)s)
    )
), room AS (
    SELECT FROM fresh WHERE NOT EXISTS (
        SELECT FROM claim_days WHERE guild_id = %(guild)s AND day = %(day)s
            AND (checks >= %(cap)s OR explored + %(explored)s > %(explore_cap)s)
    )
), place AS (
    INSERT INTO claim_cooldowns AS c (person_id, message_id) SELECT %(author)s, %(message)s FROM room
    WHERE %(explored)s = 0 AND %(cooldown_ms)s > 0
    ON CONFLICT (person_id) DO UPDATE SET message_id = excluded.message_id
        WHERE c.message_id = excluded.message_id
            OR abs((c.message_id >> 22) - (excluded.message_id >> 22)) >= %(cooldown_ms)s
    RETURNING person_id
), free AS (
    SELECT FROM place UNION ALL SELECT FROM room WHERE %(cooldown_ms)s = 0
    UNION ALL SELECT FROM room WHERE %(explored)s = 1 AND %(cooldown_ms)s > 0 AND NOT EXISTS (
        SELECT FROM claim_cooldowns WHERE person_id = %(author)s
            AND abs((message_id >> 22) - (%(message)s::bigint >> 22)) < %(cooldown_ms)s
    )
), counted AS (
    INSERT INTO claim_days AS d (guild_id, day, checks, explored)
    SELECT %(guild)s, %(day)s, 1, %(explored)s FROM free
    WHERE %(cap)s > 0 AND %(explored)s <= %(explore_cap)s
    ON CONFLICT (guild_id, day) DO UPDATE SET checks = d.checks + 1, explored = d.explored + excluded.explored
        WHERE d.checks < %(cap)s AND d.explored + excluded.explored <= %(explore_cap)s
    RETURNING day
), begun AS (
    INSERT INTO claim_checks AS k
        (message_id, guild_id, author_id, text_hash, checked_at, outcome, explored, explorable)
    SELECT %(message)s, %(guild)s, %(author)s, %(hash)s, %(at)s, 'pending', %(explored)s = 1, NOT EXISTS (
        SELECT FROM claim_days WHERE guild_id = %(guild)s AND day = %(day)s AND explored >= %(explore_cap)s)
    FROM counted
    ON CONFLICT (message_id) DO UPDATE SET outcome = 'pending', begun_at = now(),
        explored = excluded.explored, explorable = excluded.explorable
        WHERE k.outcome = 'failed' OR (k.outcome = 'pending' AND k.begun_at <= now() - %(ends_within)s)
    RETURNING message_id
)
SELECT EXISTS (SELECT FROM begun), EXISTS (SELECT FROM fresh), EXISTS (SELECT FROM counted)
"""
_END: Final = "UPDATE claim_checks SET outcome = %(outcome)s WHERE message_id = %(message)s"
_FAIL: Final = """
WITH ended AS (
    UPDATE claim_checks SET outcome = 'failed' WHERE message_id = %(message)s AND outcome = 'pending'
    RETURNING message_id, guild_id, author_id, explored, (checked_at AT TIME ZONE 'UTC')::date AS day
), freed AS (
    DELETE FROM claim_cooldowns c USING ended e
    WHERE c.person_id = e.author_id AND c.message_id = e.message_id
)
UPDATE claim_days d SET checks = d.checks - 1, explored = d.explored - e.explored::int
FROM ended e WHERE d.guild_id = e.guild_id AND d.day = e.day
"""
_FORGET: Final = """
WITH days AS (DELETE FROM claim_days WHERE day < (%(at)s AT TIME ZONE 'UTC')::date - %(days_kept)s)
DELETE FROM claim_cooldowns WHERE message_id < %(since)s
"""


class CheckBook:
    """Notes checks and what they use up.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin_check(
        self,
        message: ChatMessage,
        *,
        explored: bool = False,
        cooldown_s: float = 0,
        daily_cap: int = UNLIMITED,
        explore_cap: int = UNLIMITED,
    ) -> bool:
        """Note that a message is about to be checked, in one statement, before anything is paid.

        Args:
            message: The message.
            explored: The message did not fire. Such a check needs its author's place, and leaves it free.
            cooldown_s: Seconds between the checks of one person, by the messages' own time.
            daily_cap: Checks per guild and UTC day.
            explore_cap: Of these, checks of messages that did not fire.

        Returns:
            Whether to go on: False when the message was checked before (a failed check does not
            count, nor does one that never ended), when the same text was within 24 hours in the
            guild, or when the author withdrew.

        Raises:
            LimitReached: The author was checked a moment ago, or the guild's day has no room.
            RowsRefused: An id does not fit.
        """
        values = {
            "message": message.id,
            "guild": message.guild_id,
            "author": message.author_id,
            "name": message.author_name,
            "hash": text_hash(message.text),
            "at": message.at,
            "day": message.at.astimezone(UTC).date(),
            "same_for": SAME_TEXT_FOR,
            "ends_within": CHECK_ENDS_WITHIN,
            "explored": int(explored),
            "cooldown_ms": round(cooldown_s * 1000),
            "cap": daily_cap,
            "explore_cap": explore_cap,
        }
        with refusals():
            begun, fresh, counted = await self._db.fetch_one(_BEGIN, values) or (False, False, False)
        if fresh and not counted:
            raise LimitReached(f"message {message.id} is not checked: its author or its server had enough")
        return bool(begun)

    async def end_check(self, message_id: int, outcome: str) -> None:
        """Record how a check without a claim ended.

        ``failed`` lets the message be checked again, and gives back what it took of the limits.
        """
        await self._db.execute(
            _FAIL if outcome == "failed" else _END, {"message": message_id, "outcome": outcome}
        )

    async def forget_limits(self, at: datetime) -> None:
        """Forget checks that hold nobody back any more.

        Args:
            at: Now.
        """
        since = snowflake_at(at - COOLDOWNS_KEPT)
        await self._db.execute(_FORGET, {"at": at, "days_kept": DAYS_KEPT, "since": since})


def text_hash(text: str) -> bytes:
    """Return what stands for a text, whatever its spaces."""
    return blake2b(" ".join(text.split()).encode(), digest_size=16).digest()
