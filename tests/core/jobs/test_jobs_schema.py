"""The job tables are procrastinate's own."""

from __future__ import annotations

from procrastinate.schema import SchemaManager

from wompcore.db import Database, migrate
from wompcore.jobs import jobs_migrations
from wompcore.testing.database import ThrowawayServer

WHAT_IS_THERE = r"""
SELECT 'column', table_name, column_name, concat_ws(' ', data_type, column_default, is_nullable)
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_migrations'
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'procrastinate%'
UNION ALL SELECT 'function', proname, pg_get_function_identity_arguments(oid),
        regexp_replace(prosrc, '\s+', ' ', 'g')
    FROM pg_proc WHERE proname LIKE 'procrastinate%'
UNION ALL SELECT 'trigger', tgname, '', pg_get_triggerdef(oid)
    FROM pg_trigger WHERE tgname LIKE 'procrastinate%'
UNION ALL SELECT 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid::regclass::text LIKE 'procrastinate%'
UNION ALL SELECT 'label', typname, enumlabel, '' FROM pg_enum JOIN pg_type t ON t.oid = enumtypid
"""


async def test_the_migrations_make_what_the_library_makes(postgres: ThrowawayServer) -> None:
    with postgres.database(template="template1") as migrated, postgres.database(template="template1") as made:
        async with Database.open(migrated) as db:
            await migrate(db, "jobs", jobs_migrations())
            ours = set(await db.fetch_all(WHAT_IS_THERE))
        async with Database.open(made) as db:
            await db.execute(SchemaManager.get_schema())
            theirs = set(await db.fetch_all(WHAT_IS_THERE))
    assert ours == theirs
    assert len(theirs) > 50


async def test_migrations_are_numbered_without_gaps_and_known_by_name() -> None:
    migrations = jobs_migrations()
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    assert all(migration.checksum == migration.name for migration in migrations)
