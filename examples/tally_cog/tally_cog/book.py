"""The tallies, as they are kept."""

from __future__ import annotations

from wompcore.db import OwnSchema

_START = "INSERT INTO tallies (message_id, name, made_by) VALUES (%s, %s, %s)"
_COUNT = """
WITH pressed AS (
    INSERT INTO presses (message_id, person_id, count)
    SELECT message_id, %(person)s, 1 FROM tallies WHERE message_id = %(message)s
    ON CONFLICT (message_id, person_id) DO UPDATE SET count = least(presses.count + 1, %(most)s)
    RETURNING count
), others AS (
    SELECT sum(count) AS count FROM presses WHERE message_id = %(message)s AND person_id <> %(person)s
)
SELECT t.name, coalesce(others.count, 0) + pressed.count
FROM tallies AS t, pressed, others WHERE t.message_id = %(message)s
"""


class TallyBook:
    """Keeps tallies in the plugin's own schema.

    Args:
        db: The schema.
        per_person: What one person may add to one tally.
    """

    def __init__(self, db: OwnSchema, per_person: int) -> None:
        self._db = db
        self._per_person = per_person

    async def start(self, message_id: int, name: str, *, made_by: int) -> None:
        """Begin a tally below a message."""
        await self._db.execute(_START, [message_id, name, made_by])

    async def count(self, message_id: int, *, person_id: int) -> tuple[str, int] | None:
        """Add one; return the tally's name and sum, ``None`` if there is no such tally."""
        values = {"message": message_id, "person": person_id, "most": self._per_person}
        row = await self._db.fetch_one(_COUNT, values)
        return None if row is None else (str(row[0]), int(row[1]))
