"""The database room: connections, migrations, LISTEN/NOTIFY, backup, a server of our own."""

from __future__ import annotations

from wompcore.db.backup import backup, restore
from wompcore.db.database import Database
from wompcore.db.embedded import EmbeddedServer
from wompcore.db.known import KNOWN_AT_MOST, KnownIds
from wompcore.db.listener import Listener
from wompcore.db.migrations import (
    Migration,
    forget_migrations,
    migrate,
    migrations_at,
    migrations_in,
    pending_migrations,
)
from wompcore.db.own_schema import (
    OwnSchema,
    SchemaState,
    as_owner,
    drop_schema,
    look_at_schema,
    make_schema,
)
from wompcore.db.translate import host_of

__all__ = [
    "KNOWN_AT_MOST",
    "Database",
    "EmbeddedServer",
    "KnownIds",
    "Listener",
    "Migration",
    "OwnSchema",
    "SchemaState",
    "as_owner",
    "backup",
    "drop_schema",
    "forget_migrations",
    "host_of",
    "look_at_schema",
    "make_schema",
    "migrate",
    "migrations_at",
    "migrations_in",
    "pending_migrations",
    "restore",
]
