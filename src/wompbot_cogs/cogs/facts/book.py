"""Fact checks as they are kept: what was found, for a day, and who asked how often."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from wompbot_cogs.cogs.facts import texts
from wompbot_cogs.cogs.facts.judgement import Judgement, Source
from wompbot_cogs.cogs.facts.settings import FactSettings
from wompcore.db import OwnSchema
from wompcore.errors import CoolingDown, LimitReached

KEPT_FOR: Final = timedelta(hours=24)
"""How long a check is shown again, and how long it counts (spec 04, section 6)."""

_ENDS_WITHIN: Final = timedelta(minutes=5)  # a check that began longer ago died with its process

_BEGIN = """
INSERT INTO requesters AS r (person_id, began_at) SELECT %(person)s, %(at)s WHERE %(per_day)s > 0
ON CONFLICT (person_id) DO UPDATE SET began_at = %(at)s,
    used_at = ARRAY(SELECT used FROM unnest(r.used_at) AS used WHERE used > %(at)s - %(kept)s ORDER BY used)
WHERE (r.began_at IS NULL OR r.began_at <= %(at)s - %(ends_within)s)
    AND (SELECT count(*) FROM unnest(r.used_at) AS used WHERE used > %(at)s - %(kept)s) < %(per_day)s
    AND NOT EXISTS (SELECT FROM unnest(r.used_at) AS used WHERE used > %(at)s - %(cooldown)s)
RETURNING person_id
"""
_USED = "SELECT used_at FROM requesters WHERE person_id = %s"
_FINISH = """
UPDATE requesters SET began_at = NULL, used_at = used_at || %(used)s::timestamptz[]
WHERE person_id = %(person)s AND began_at = %(at)s
"""
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
_SWEEP_REQUESTERS = """
DELETE FROM requesters WHERE (began_at IS NULL OR began_at <= %(at)s)
    AND NOT EXISTS (SELECT FROM unnest(used_at) AS used WHERE used > %(at)s)
"""


class FactBook:
    """Keeps fact checks in the plugin's own schema.

    Args:
        db: The schema.
        settings: How often a person may ask.
    """

    def __init__(self, db: OwnSchema, settings: FactSettings) -> None:
        self._db = db
        self._settings = settings

    async def begin(self, person_id: int, at: datetime) -> None:
        """Take a person's place, in one statement; nothing counts before :meth:`finish`.

        Args:
            person_id: Who asks.
            at: When; names the place.

        Raises:
            CoolingDown: The last check was a moment ago, or is in progress.
            LimitReached: That is enough for a day.
        """
        values = {
            "person": person_id,
            "at": at,
            "kept": KEPT_FOR,
            "per_day": self._settings.per_day,
            "cooldown": timedelta(seconds=self._settings.cooldown_s),
            "ends_within": _ENDS_WITHIN,
        }
        if await self._db.fetch_one(_BEGIN, values) is None:
            used = await self._db.fetch_value(_USED, [person_id])
            raise self._refusal(used or [], at)

    async def finish(self, person_id: int, at: datetime, *, counts: bool) -> None:
        """Leave the place that was taken at that time; it counts only if the person got an answer."""
        used = [at] if counts else []
        await self._db.execute(_FINISH, {"person": person_id, "at": at, "used": used})

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
        await self._db.execute(_SWEEP_REQUESTERS, {"at": now - KEPT_FOR})

    def _refusal(self, used: Sequence[datetime], at: datetime) -> LimitReached:
        within = [each for each in used if each > at - KEPT_FOR]
        if len(within) >= self._settings.per_day:
            return LimitReached(texts.ENOUGH.format(count=len(within)))
        cooldown = timedelta(seconds=self._settings.cooldown_s)
        if within and (left := max(within) + cooldown - at) > timedelta():
            wait_s = left.total_seconds()
            return CoolingDown(texts.TOO_SOON.format(wait_s=round(wait_s) or 1), retry_after_s=wait_s)
        return CoolingDown(texts.ONE_AT_A_TIME)
