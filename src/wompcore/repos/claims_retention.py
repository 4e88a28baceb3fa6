"""What is kept of a claim whose message was deleted, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from wompcore.db import Database

DELETED_TEXT_KEPT: Final = timedelta(days=30)
"""How long the text of a deleted claim is kept (spec 04, section 2)."""

_BLANK: Final = """
UPDATE claims SET text = '', original_text = NULL, edits = '[]', context_ids = '{}', ruling_notes = ''
WHERE deleted_at < %s AND text <> ''
"""


class ClaimRetention:
    """Blanks claims.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def blank_deleted(self, now: datetime) -> int:
        """Blank what claims said that were deleted more than 30 days ago; returns how many there were."""
        return await self._db.execute(_BLANK, (now - DELETED_TEXT_KEPT,))
