"""The database room: connections, migrations, LISTEN/NOTIFY, backup, a server of our own."""

from __future__ import annotations

from wompcore.db.backup import backup, restore
from wompcore.db.database import Database
from wompcore.db.embedded import EmbeddedServer
from wompcore.db.listener import Listener
from wompcore.db.migrations import Migration, migrate, migrations_in, pending_migrations
from wompcore.db.translate import host_of

__all__ = [
    "Database",
    "EmbeddedServer",
    "Listener",
    "Migration",
    "backup",
    "host_of",
    "migrate",
    "migrations_in",
    "pending_migrations",
    "restore",
]
