"""The chat logs that were read into this database."""

from __future__ import annotations

from dataclasses import dataclass

from wompcore.db import Database

# Looked for first, so that reading a log again takes no number; the upsert settles two first readings
# at the same moment.
_REGISTER = """
WITH known AS (
    SELECT id, shift_ms FROM log_sources WHERE fingerprint = %(fingerprint)s
), added AS (
    INSERT INTO log_sources AS s (fingerprint, name, shift_ms)
    SELECT %(fingerprint)s, %(name)s, %(shift_ms)s WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (fingerprint) DO UPDATE SET name = s.name
    RETURNING id, shift_ms
)
SELECT id, shift_ms FROM known UNION ALL SELECT id, shift_ms FROM added
"""

_NEXT_RUN = "SELECT nextval('instance_numbers')"


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log as this database knows it.

    Args:
        number: Tells the logs of this database apart, from 1.
        shift_ms: Milliseconds added to the log's times, fixed when it was first read.
    """

    number: int
    shift_ms: int


class LogSourceRepository:
    """Numbers logs.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def register(self, fingerprint: str, name: str, *, shift_ms: int = 0) -> LogSource:
        """Return a log's number and shift; the first call for a log decides both.

        Args:
            fingerprint: What the log is known by.
            name: File name, for people.
            shift_ms: Milliseconds to add to its times, if it is new here.
        """
        values = {"fingerprint": fingerprint, "name": name, "shift_ms": shift_ms}
        row = await self._db.fetch_one(_REGISTER, values)
        assert row is not None  # either known or just added
        return LogSource(*row)

    async def next_run(self) -> int:
        """Return a number that tells this run of the simulated guild from others on this database."""
        return int(await self._db.fetch_value(_NEXT_RUN))
