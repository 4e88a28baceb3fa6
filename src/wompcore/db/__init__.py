"""The database room: connections, migrations, LISTEN/NOTIFY, backup, a server of our own."""

from __future__ import annotations

from wompcore.db.backup import backup, restore
from wompcore.db.database import Database
from wompcore.db.embedded import EmbeddedServer
from wompcore.db.listener import Listener
from wompcore.db.migrations import Migration, migrate, migrations_in, pending_migrations

__all__ = [
    "Database",
    "EmbeddedServer",
    "Listener",
    "Migration",
    "backup",
    "migrate",
    "migrations_in",
    "pending_migrations",
    "restore",
]
