"""When a claim can be told true or false: the model's answer, believed as far as it makes sense. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final

LATEST: Final = timedelta(days=36_525)
"""How far ahead a claim may look: a hundred years."""

_ISO: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def due_date(answer: str | None, said_on: date) -> date | None:
    """Return the last day on which a claim can come true, or ``None`` when none can be told.

    Args:
        answer: What the model says: an ISO 8601 day, a month or a year, which last until they end.
        said_on: The day on which it was said, where it was said.
    """
    found = _ISO.fullmatch(answer.strip()) if answer else None
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or 12), found[3]
    try:
        due = date(year, month, int(day) if day else monthrange(year, month)[1])
    except ValueError:  # there is no such day
        return None
    return due if said_on <= due <= said_on + min(LATEST, date.max - said_on) else None
