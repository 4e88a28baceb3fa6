"""A real PostgreSQL for tests: one server per run, one database per test."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from wompcore.config import DatabaseSettings
from wompcore.db import Database, Migration, migrate, migrations_in
from wompcore.db.embedded import EmbeddedServer

TEMPLATE = "womp_template"

_MEMORY_WANTED_BYTES = 4_000_000_000

# Nothing outlives the run, so nothing is made safe against a power cut.
_UNSAFE_AND_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",  # a test that kills the server may count what was committed
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
}


class ThrowawayServer:
    """A throw-away server with a template that holds every table of the product.

    Args:
        server: The running server.
    """

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server

    @contextmanager
    def database(self, *, template: str = TEMPLATE) -> Iterator[DatabaseSettings]:
        """Make a fresh database, and remove it at the end whoever is still connected.

        Args:
            template: What it is a copy of; ``template1`` for an empty one.
        """
        name = f"test_{uuid.uuid4().hex}"
        url = self.server.create_database(name, template=template)
        try:
            yield DatabaseSettings(url=url)
        finally:
            self.server.drop_database(name)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Take the server away, for everyone, and bring it back at the end."""
        self.server.cluster.shut_down()
        try:
            yield
        finally:
            self.server.cluster.launch()


@contextmanager
def throwaway_server(name: str | None = None) -> Iterator[ThrowawayServer]:
    """Start a throw-away server with a filled template; stop and remove it at the end.

    Args:
        name: Processes that give the same one share a server, and the last one out removes it.
    """
    server = EmbeddedServer(options=_UNSAFE_AND_FAST, within=memory_folder(), name=name)
    try:
        server.start()
        asyncio.run(_ensure_template(server))
        yield ThrowawayServer(server)
    finally:
        server.stop()


def memory_folder() -> Path | None:
    """Return a folder in memory when there is a roomy one.

    A database is hundreds of small files; made there, a test's own one costs a tenth.
    """
    folder = Path("/dev/shm")
    roomy = folder.is_dir() and shutil.disk_usage(folder).free > _MEMORY_WANTED_BYTES
    return folder if roomy else None


async def _ensure_template(server: EmbeddedServer) -> None:
    """Make the template, unless another process of the run did."""
    async with (
        Database.open(DatabaseSettings(url=server.url())) as admin,
        admin.transaction() as connection,
    ):
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [TEMPLATE])
        found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE])
        if await found.fetchone() is None:
            await _fill(await asyncio.to_thread(server.create_database, TEMPLATE))


async def _fill(url: str) -> None:
    async with Database.open(DatabaseSettings(url=url)) as db:
        await migrate(db, "core", migrations_in("wompcore.repos"))
        jobs = _jobs_migrations()
        if jobs:
            await migrate(db, "jobs", jobs)


def _jobs_migrations() -> list[Migration]:
    if find_spec("wompcore.jobs.schema") is None:
        return []
    from wompcore.jobs.schema import jobs_migrations

    return list(jobs_migrations())
