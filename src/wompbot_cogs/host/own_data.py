"""A plugin's own tables: its schema, its migrations, and what of it is about people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wompbot_cogs.errors import ManifestInvalid, MigrationRefused
from wompbot_cogs.host.discovery import Found
from wompbot_cogs.host.expand_rules import problems_of_expand
from wompbot_cogs.manifest import Manifest
from wompcore.db import (
    Database,
    Migration,
    OwnSchema,
    make_schema,
    migrate,
    migrations_at,
    pending_migrations,
)
from wompcore.errors import DatabaseError
from wompcore.repos.holders import HolderRepository

FOLDER = "migrations"
_EXPAND, _CONTRACT = ".expand", ".contract"

_LOCK_S = 3.0
"""Seconds that a contract migration waits for a table: whoever uses that table waits behind it."""


class OwnData:
    """The tables of one version of a plugin, from staging to the end of the version before it.

    Args:
        db: The database.
        manifest: What the plugin says of itself.
        migrations: Every migration of the version.
    """

    def __init__(self, db: Database, manifest: Manifest, migrations: Sequence[Migration]) -> None:
        self._db = db
        self._manifest = manifest
        self._migrations = migrations

    @classmethod
    def of(cls, db: Database, found: Found) -> OwnData:
        """Read a plugin's migrations as they are now.

        Raises:
            ManifestInvalid: It has migrations and does not ask for a database.
            MigrationRefused: A file is of neither kind, or an expand migration may not do what it does.
        """
        assert found.manifest is not None  # only what has one is staged
        folder = found.folder  # a plugin of one file has no room for migrations
        migrations = [] if folder is None else read_migrations(found.manifest, folder)
        if migrations and "db" not in found.manifest.needs:
            raise ManifestInvalid(
                found.id, "has migrations, but no 'db' in its needs", hint="Add 'db' to `needs`."
            )
        return cls(db, found.manifest, migrations)

    async def expand(self, holders: HolderRepository) -> OwnSchema:
        """Make the schema, apply what leaves the version before working, and note whose data is where.

        A plugin that was never here before gets every migration, in order.

        Args:
            holders: The catalogue of personal data.

        Raises:
            MigrationRefused: An expand migration may not do what it does.
            ManifestInvalid: Declared personal data is not there.
            DatabaseError: A migration that was applied reads differently now.
        """
        name = self._manifest.schema_name
        schema = await make_schema(self._db, name)
        pending = set(await pending_migrations(self._db, name, self._migrations))
        if pending:
            await self._migrate(schema, pending)
        await self._declare(holders)
        return schema

    async def contract(self) -> list[str]:
        """Apply the rest, once no process runs the version before any more; returns what was applied."""
        name = self._manifest.schema_name
        if not any(migration.name.endswith(_CONTRACT) for migration in self._migrations):
            return []
        schema = await make_schema(self._db, name)
        return await migrate(self._db, name, self._migrations, enter=schema.enter, lock_s=_LOCK_S)

    async def _migrate(self, schema: OwnSchema, pending: set[str]) -> None:
        new = len(pending) == len(self._migrations)
        expanding = [migration for migration in self._migrations if migration.name.endswith(_EXPAND)]
        for migration in expanding:
            if str(migration) in pending and (problems := problems_of_expand(migration.sql)):
                raise MigrationRefused(self._manifest.id, f"{_file(migration)}: {problems[0]}")
        await migrate(
            self._db,
            self._manifest.schema_name,
            self._migrations,
            only=None if new else expanding,
            enter=schema.enter,
        )

    async def _declare(self, holders: HolderRepository) -> None:
        declared = self._manifest.holders()
        missing = await holders.missing(declared)
        if missing:
            hint = "Correct [[plugin.personal_data]], or make the column in a migration."
            raise ManifestInvalid(
                self._manifest.id, f"personal data in {missing[0]}, which is no column of a table", hint=hint
            )
        if unfit := await holders.unfit(declared):
            hint = "Make the column bigint, numeric, text or varchar."
            raise ManifestInvalid(self._manifest.id, f"{unfit[0]} cannot hold every person's id", hint=hint)
        blanked = [holder for holder in declared if holder.on_erase == "anonymise"]
        if required := await holders.required(blanked):
            hint = "Make the column nullable, or set on_erase to delete."
            raise ManifestInvalid(self._manifest.id, f"{required[0]} cannot be blanked", hint=hint)
        if declared:
            await holders.declare(declared)


def read_migrations(manifest: Manifest, folder: Path) -> list[Migration]:
    """Return a plugin's migrations, without importing it.

    Args:
        manifest: What it says of itself.
        folder: Its package's folder.

    Raises:
        MigrationRefused: A file is of neither kind.
    """
    if not (folder / FOLDER).is_dir():
        return []
    try:
        migrations = migrations_at(folder / FOLDER, manifest.schema_name)
    except DatabaseError as error:
        raise MigrationRefused(manifest.id, error.message, hint=_NAMES) from error
    for migration in migrations:
        if not migration.name.endswith((_EXPAND, _CONTRACT)):
            raise MigrationRefused(manifest.id, f"{_file(migration)} is of neither kind", hint=_NAMES)
    return migrations


_NAMES = "Name it NNNN_name.expand.sql, or NNNN_name.contract.sql for what the version before cannot bear."


def _file(migration: Migration) -> str:
    return f"{FOLDER}/{migration.number:04d}_{migration.name}.sql"
