"""The database room: pool, migrations, embedded server, LISTEN/NOTIFY, backup."""

from __future__ import annotations

from wompcore.db.database import Database
from wompcore.db.migrations import Migration, migrate, migrations_in

__all__ = ["Database", "Migration", "migrate", "migrations_in"]
