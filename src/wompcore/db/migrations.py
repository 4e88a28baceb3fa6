"""Migrations: numbered SQL files, applied once and never edited."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from psycopg import AsyncConnection

from wompcore.errors import DatabaseError, MigrationChanged

if TYPE_CHECKING:
    from wompcore.db.database import Database

_FILE = re.compile(r"(\d{4})_(\w+(?:\.(?:expand|contract))?)\.sql")
_LOCK = 0x776F6D70  # "womp"; one lock for all namespaces, so that owners may refer to each other
_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"  # milliseconds
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    namespace  text NOT NULL,
    number     integer NOT NULL,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (namespace, number)
)
"""


@dataclass(frozen=True)
class Migration:
    """One step of a schema.

    Args:
        namespace: Whose schema it is: ``core``, ``jobs``, a plugin's id.
        number: Its place, from 1 and without gaps.
        name: What it does, as in the file's name; one of two kinds ends in ``.expand`` or ``.contract``.
        sql: The statements; they run in one transaction.
        checksum: SHA-256 of the statements, hexadecimal.
    """

    namespace: str
    number: int
    name: str
    sql: str
    checksum: str = ""

    def __post_init__(self) -> None:
        if not self.checksum:
            object.__setattr__(self, "checksum", hashlib.sha256(self.sql.encode()).hexdigest())

    def __str__(self) -> str:
        return f"{self.namespace}/{self.number:04d}_{self.name}"


def migrations_in(package: str, folder: str = "migrations", *, namespace: str = "core") -> list[Migration]:
    """Read the files ``NNNN_name.sql`` of a package, in order.

    Args:
        package: The package that ships them.
        folder: The folder in it.
        namespace: Whose schema they make.

    Raises:
        DatabaseError: A file's name has another form.
    """
    return migrations_at(files(package).joinpath(folder), namespace)


def migrations_at(folder: Traversable, namespace: str) -> list[Migration]:
    """Read the files ``NNNN_name.sql`` of a folder, in order; nothing is imported.

    Args:
        folder: The folder.
        namespace: Whose schema they make.

    Raises:
        DatabaseError: A file's name has another form.
    """
    found = []
    for file in folder.iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise DatabaseError(f"migration {folder.name}/{file.name} is not named NNNN_name.sql")
        # Line ends differ between checkouts; they are no change.
        text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        found.append(Migration(namespace, int(match[1]), match[2], text))
    return sorted(found, key=lambda migration: migration.number)


async def migrate(
    db: Database,
    namespace: str,
    migrations: Sequence[Migration],
    *,
    only: Sequence[Migration] | None = None,
    enter: Callable[[AsyncConnection], Awaitable[None]] | None = None,
    lock_s: float = 0.0,
) -> list[str]:
    """Apply what has not been applied yet, each in its own transaction, and return the names.

    Safe when several processes start at once: they take turns.

    Args:
        db: The database.
        namespace: Whose schema it is.
        migrations: Every migration of the namespace, in order.
        only: Those that may be applied now; all when left out.
        enter: Awaited in each transaction before the statements run, to choose their schema and role.
        lock_s: Seconds that a statement waits for a lock before the migration fails; 0 waits for ever.

    Raises:
        MigrationChanged: One that was applied reads differently now.
        DatabaseError: Numbers are missing or doubled, or the database is newer than this code.
    """
    _check_numbers(namespace, migrations)
    async with db.direct_connection() as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # freed with the connection
        await connection.execute(_TABLE)
        applied = await _applied(connection, namespace)
        _check_applied(namespace, migrations, applied)
        allowed = migrations if only is None else only
        pending = [migration for migration in allowed if migration.number not in applied]
        for migration in pending:
            await _apply(connection, migration, enter, lock_s)
    return [str(migration) for migration in pending]


async def pending_migrations(db: Database, namespace: str, migrations: Sequence[Migration]) -> list[str]:
    """Return the names of what :func:`migrate` would apply; changes nothing.

    Args:
        db: The database.
        namespace: Whose schema it is.
        migrations: Every migration of the namespace, in order.

    Raises:
        MigrationChanged: One that was applied reads differently now.
        DatabaseError: Numbers are missing or doubled, or the database is newer than this code.
    """
    _check_numbers(namespace, migrations)
    async with db.direct_connection() as connection:
        cursor = await connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")
        applied = await _applied(connection, namespace) if await cursor.fetchone() == (True,) else {}
    _check_applied(namespace, migrations, applied)
    return [str(migration) for migration in migrations if migration.number not in applied]


async def _applied(connection: AsyncConnection, namespace: str) -> dict[int, tuple[str, str]]:
    query = "SELECT number, name, checksum FROM schema_migrations WHERE namespace = %s"
    cursor = await connection.execute(query, [namespace])
    return {number: (name, checksum) for number, name, checksum in await cursor.fetchall()}


async def _apply(
    connection: AsyncConnection,
    migration: Migration,
    enter: Callable[[AsyncConnection], Awaitable[None]] | None,
    lock_s: float,
) -> None:
    record = "INSERT INTO schema_migrations (namespace, number, name, checksum) VALUES (%s, %s, %s, %s)"
    async with connection.transaction():
        values = [migration.namespace, migration.number, migration.name, migration.checksum]
        await connection.execute(record, values)
        await connection.execute(_LOCK_TIMEOUT, [f"{lock_s * 1000:.0f}"])
        if enter is not None:
            await enter(connection)
        await connection.execute(migration.sql.encode())


def _check_numbers(namespace: str, migrations: Sequence[Migration]) -> None:
    for place, migration in enumerate(migrations, start=1):
        if migration.namespace != namespace:
            raise DatabaseError(f"migration {migration} does not belong to {namespace}")
        if migration.number != place:
            raise DatabaseError(
                f"migration {migration} stands where number {place:04d} is due",
                hint="Numbers run from 0001 without gaps or doubles.",
            )


def _check_applied(
    namespace: str, migrations: Sequence[Migration], applied: dict[int, tuple[str, str]]
) -> None:
    for migration in migrations:
        if migration.number in applied and applied[migration.number][1] != migration.checksum:
            raise MigrationChanged(f"migration {migration} was edited after it was applied")
    known = {migration.number for migration in migrations}
    # What only expands keeps the version before it working, so that may come back.
    unknown = sorted(n for n in applied.keys() - known if not applied[n][0].endswith(".expand"))
    if unknown:
        number, name = unknown[-1], applied[unknown[-1]][0]
        raise DatabaseError(
            f"the database has migration {namespace}/{number:04d}_{name}, which this version does not know",
            hint="The database was used by a newer version: install that one, or restore an older backup.",
        )


async def forget_migrations(db: Database, namespace: str) -> None:
    """Forget that a namespace was ever migrated, after its schema was dropped."""
    async with db.direct_connection() as connection:
        await connection.execute(_TABLE)
        await connection.execute("DELETE FROM schema_migrations WHERE namespace = %s", [namespace])
