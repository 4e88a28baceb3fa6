"""Procrastinate's tables, as migrations of ours."""

from __future__ import annotations

from pathlib import Path

from procrastinate.schema import SchemaManager

from wompcore.db import Database, Migration

NAMESPACE = "jobs"


def jobs_migrations() -> list[Migration]:
    """Return the migrations of the installed procrastinate, from its first, for :func:`wompcore.db.migrate`.

    Their file names begin with the version they belong to, so a newer library only ever adds to the end.
    What a released file says is the library's affair: each is known by its name, not by its content.
    """
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    return [
        Migration(NAMESPACE, number, file.stem, file.read_text(encoding="utf-8"), checksum=file.stem)
        for number, file in enumerate(files, start=1)
    ]


async def forget_jobs(db: Database, prefix: str) -> int:
    """Remove the jobs of queues whose name begins so; returns how many there were."""
    query = "DELETE FROM procrastinate_jobs WHERE starts_with(queue_name, %s)"
    return await db.execute(query, [prefix])
