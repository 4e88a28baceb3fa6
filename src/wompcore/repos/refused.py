"""What the database does not take, in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from wompcore.errors import RowsRefused


@contextmanager
def refusals() -> Iterator[None]:
    """Turn rows whose data the database refuses into :class:`wompcore.errors.RowsRefused`."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise RowsRefused(str(error).split("\n", 1)[0]) from error
