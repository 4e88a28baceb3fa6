"""Fact checks as they are kept: what was found, for a day, and who asked how often."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from wompbot_cogs.cogs.facts import texts
from wompbot_cogs.cogs.facts.judgement import Judgement, Source
from wompbot_cogs.cogs.facts.settings import FactSettings
from wompcore.db import OwnSchema
from wompcore.errors import CoolingDown, LimitReached

KEPT_FOR: Final = timedelta(hours=24)
"""How long a check is shown again, and how long it counts (spec 04, section 6)."""

_ENDS_WITHIN: Final = timedelta(minutes=5)  # a check that began longer ago died with its process

# First the person's row, then the server's: where two requests race, they wait in this order.
_BEGIN = """
WITH place AS (
    INSERT INTO requesters AS r (person_id, began_at) SELECT %(person)s, %(at)s WHERE %(per_day)s > 0
    ON CONFLICT (person_id) DO UPDATE SET began_at = %(at)s,
        used_at = ARRAY(
            SELECT used FROM unnest(r.used_at) AS used WHERE used > %(at)s - %(kept)s ORDER BY used)
    WHERE (r.began_at IS NULL OR r.began_at <= %(at)s - %(ends_within)s)
        AND (SELECT count(*) FROM unnest(r.used_at) AS used WHERE used > %(at)s - %(kept)s) < %(per_day)s
        AND NOT EXISTS (SELECT FROM unnest(r.used_at) AS used WHERE used > %(at)s - %(cooldown)s)
    RETURNING person_id
), counted AS (
    INSERT INTO guild_days AS g (guild_id, day, checks)
    SELECT %(guild)s, %(day)s, 1 FROM place WHERE %(per_guild_day)s > 0
    ON CONFLICT (guild_id, day) DO UPDATE SET checks = g.checks + 1 WHERE g.checks < %(per_guild_day)s
    RETURNING guild_id
)
SELECT EXISTS (SELECT FROM place), EXISTS (SELECT FROM counted)
"""
_USED = "SELECT used_at FROM requesters WHERE person_id = %s"
_LEAVE = """
UPDATE requesters SET began_at = NULL, used_at = used_at || %(used)s::timestamptz[]
WHERE person_id = %(person)s AND began_at = %(at)s
"""
_GIVE_BACK = "UPDATE guild_days SET checks = checks - 1 WHERE guild_id = %(guild)s AND day = %(day)s"
_KEEP = """
INSERT INTO checks (message_id, author_id, claim, verdict, analysis, sources, checked_at)
VALUES (%(message)s, %(author)s, %(claim)s, %(verdict)s, %(analysis)s, %(sources)s, %(at)s)
ON CONFLICT (message_id) DO UPDATE SET claim = excluded.claim, verdict = excluded.verdict,
    analysis = excluded.analysis, sources = excluded.sources, checked_at = excluded.checked_at
"""
_KEPT = """
SELECT verdict, analysis, sources FROM checks
WHERE message_id = %(message)s AND claim = %(claim)s AND checked_at > %(at)s - %(kept)s
"""
_FORGET = "DELETE FROM checks WHERE message_id = ANY(%s)"
_SWEEP_CHECKS = "DELETE FROM checks WHERE checked_at <= %s"
_SWEEP_DAYS = "DELETE FROM guild_days WHERE day < %s"
_SWEEP_REQUESTERS = """
DELETE FROM requesters WHERE (began_at IS NULL OR began_at <= %(at)s)
    AND NOT EXISTS (SELECT FROM unnest(used_at) AS used WHERE used > %(at)s)
"""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for a check.

    Args:
        person_id: Who.
        guild_id: Where.
        at: When; tells the person's requests apart.
    """

    person_id: int
    guild_id: int
    at: datetime

    def values(self) -> dict[str, object]:
        """Return what the statements need."""
        day = self.at.astimezone(UTC).date()
        return {"person": self.person_id, "guild": self.guild_id, "at": self.at, "day": day}


class FactBook:
    """Keeps fact checks in the plugin's own schema.

    Args:
        db: The schema.
        settings: How often a person may ask.
    """

    def __init__(self, db: OwnSchema, settings: FactSettings) -> None:
        self._db = db
        self._settings = settings

    async def begin(self, request: Request) -> None:
        """Take a person's place and one of the server's day; neither counts unless :meth:`finish` says so.

        Raises:
            CoolingDown: The last check was a moment ago, or is in progress.
            LimitReached: That is enough for a day, for the person or for the server.
        """
        values = {
            **request.values(),
            "kept": KEPT_FOR,
            "per_day": self._settings.per_day,
            "per_guild_day": self._settings.per_guild_day,
            "cooldown": timedelta(seconds=self._settings.cooldown_s),
            "ends_within": _ENDS_WITHIN,
        }
        placed, counted = await self._db.fetch_one(_BEGIN, values) or (False, False)
        if not placed:
            used = await self._db.fetch_value(_USED, [request.person_id])
            raise self._refusal(used or [], request.at)
        if not counted:
            await self._db.execute(_LEAVE, request.values() | {"used": []})
            raise LimitReached(texts.ENOUGH_HERE)

    async def finish(self, request: Request, *, counts: bool) -> None:
        """Leave the places that were taken; they count only if the person got an answer."""
        values = request.values()
        await self._db.execute(_LEAVE, values | {"used": [request.at] if counts else []})
        if not counts:
            await self._db.execute(_GIVE_BACK, values)

    async def keep(self, message_id: int, author_id: int, claim: str, found: Judgement, at: datetime) -> None:
        """Keep what was found, in the place of what was found before."""
        values = {
            "message": message_id,
            "author": author_id,
            "claim": claim,
            "verdict": found.verdict,
            "analysis": found.analysis,
            "sources": json.dumps([asdict(source) for source in found.sources]),
            "at": at,
        }
        await self._db.execute(_KEEP, values)

    async def kept(self, message_id: int, claim: str, at: datetime) -> Judgement | None:
        """Return what was found about a message within a day, as long as it says the same."""
        values = {"message": message_id, "claim": claim, "at": at, "kept": KEPT_FOR}
        row = await self._db.fetch_one(_KEPT, values)
        if row is None:
            return None
        return Judgement(row[0], row[1], tuple(Source(**source) for source in row[2]))

    async def ids(self) -> list[int]:
        """Return the messages of which something is kept."""
        return [row[0] for row in await self._db.fetch_all("SELECT message_id FROM checks")]

    async def forget(self, message_ids: Iterable[int]) -> None:
        """Remove what was found about messages."""
        await self._db.execute(_FORGET, [list(message_ids)])

    async def sweep(self, now: datetime) -> None:
        """Remove what is older than a day."""
        await self._db.execute(_SWEEP_CHECKS, [now - KEPT_FOR])
        await self._db.execute(_SWEEP_DAYS, [(now - KEPT_FOR).astimezone(UTC).date()])
        await self._db.execute(_SWEEP_REQUESTERS, {"at": now - KEPT_FOR})

    def _refusal(self, used: Sequence[datetime], at: datetime) -> LimitReached:
        within = [each for each in used if each > at - KEPT_FOR]
        if len(within) >= self._settings.per_day:
            return LimitReached(texts.ENOUGH.format(count=len(within)))
        cooldown = timedelta(seconds=self._settings.cooldown_s)
        if within and (left := max(within) + cooldown - at) > timedelta():
            wait_s = left.total_seconds()
            return CoolingDown(texts.too_soon(wait_s), retry_after_s=wait_s)
        return CoolingDown(texts.ONE_AT_A_TIME)
