"""One data directory and its server process, driven by PostgreSQL's own programs.

PostgreSQL refuses to run as root. Started by root it runs as the system user ``pgserver``, made
when missing, who owns the data. Folders above that this user cannot pass get the traverse bit and
no more: their names stay hidden.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

from wompcore.db.binaries import embedded_binaries
from wompcore.db.system_user import make_reachable, server_user
from wompcore.errors import DatabaseError, DatabaseUnavailable

READY_WITHIN_S = 60.0
"""Seconds a start may take; recovery after a crash is part of it."""

_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_MAX = 103  # sun_path holds 104 bytes on macOS and 108 on Linux; the last one is NUL
_LOG_KEPT_BYTES = 1_000_000
# What is left of a server that was killed takes a moment to notice and go.
_PASSING_TROUBLE = ("pre-existing shared memory block", "lock file")

_log = logging.getLogger(__name__)


class Cluster:
    """A PostgreSQL data directory. Every call blocks.

    Args:
        folder: The folder that holds it, its log and its locks.
        options: Server settings for a start.
        durable: Whether the data is forced to the disk when it is made.

    Raises:
        DatabaseUnavailable: We are root, and the user the server needs cannot be made.
        ExtraMissing: The extra ``embedded`` is not installed.
    """

    def __init__(self, folder: Path, options: Mapping[str, str], *, durable: bool) -> None:
        self.folder = folder
        self._data = folder / "pgdata"
        self._options = options
        self._durable = durable
        self._binaries, self._major = embedded_binaries()
        self._user = server_user()

    def url(self, database: str) -> str:
        """Return the URL of one of the server's databases."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self._socket_dir), safe='')}"

    def make_folder(self) -> None:
        """Make the folder when it is missing, and let the server's user reach what it needs.

        Raises:
            OSError: We may not.
        """
        with suppress(FileExistsError):
            self.folder.mkdir(parents=True, mode=0o700)
            self._user.own(self.folder)
        make_reachable(self._user, self.folder, self._binaries)
        self._make_socket_dir()

    def make(self) -> None:
        """Make the data directory when it is missing.

        Raises:
            DatabaseUnavailable: It cannot be made.
            DatabaseError: It was made by another version of PostgreSQL.
        """
        if not self._data.exists():
            self._init()
        major = (self._data / "PG_VERSION").read_text().strip()
        if major != str(self._major):
            raise DatabaseError(
                f"{self.folder} was made by PostgreSQL {major}; the embedded server is {self._major}",
                hint="Make a backup with the version that made it, then restore into an empty folder.",
            )

    def listening(self) -> bool:
        """Return whether a server answers; one that still recovers does."""
        # Asks the socket: the process id on file may belong to someone else by now.
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket_dir / _SOCKET))
            except OSError:
                return False
        return True

    def launch(self) -> None:
        """Start the server process; returns when it is ready, or when another try makes sense.

        Raises:
            DatabaseUnavailable: It does not start; says why.
        """
        self._make_socket_dir()
        self._forget_reused_pid()
        settings = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        arguments = ["-s", "-w", "-t", f"{READY_WITHIN_S:.0f}", "-D", str(self._data)]
        log = self.folder / "postgres.log"
        keep = log.exists() and log.stat().st_size < _LOG_KEPT_BYTES
        with log.open("ab" if keep else "wb") as file:
            begin = file.tell()
            options = shlex.join(["-k", str(self._socket_dir), *settings])
            done = self._run("pg_ctl", "start", *arguments, "-o", options, output=file)
        if done.returncode != 0 and not self.listening():
            said = log.read_bytes()[begin:].decode(errors="replace")
            if not any(words in said for words in _PASSING_TROUBLE):
                raise self._failed("postgres", said)
            time.sleep(0.1)

    def shut_down(self, *, at_once: bool = False) -> None:
        """Stop the server process and wait for its end. A server that does not run is no error.

        Args:
            at_once: Do not bring the data in order first; the next start recovers it.
        """
        mode = "immediate" if at_once else "fast"
        done = self._run("pg_ctl", "stop", "-s", "-w", "-t", "60", "-m", mode, "-D", str(self._data))
        if done.returncode != 0 and self.listening():
            _log.warning("the embedded server in %s did not stop: %s", self.folder, done.stdout.strip())
        elif self._socket_dir != self._data:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    def remove(self) -> None:
        """Remove everything. The server must have stopped."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _socket_dir(self) -> Path:
        if len(os.fsencode(self._data / _SOCKET)) <= _SOCKET_PATH_MAX:
            return self._data
        # Not the environment's temporary folder: every process must come to the same place.
        digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:12]
        return Path("/tmp") / f"wompbot-socket-{digest}"

    def _make_socket_dir(self) -> None:
        if self._socket_dir != self._data:
            self._socket_dir.mkdir(mode=0o700, exist_ok=True)
            # Made first by someone who wants to sit between us and our server, it is refused here.
            self._user.own(self._socket_dir)
            self._socket_dir.chmod(0o700)

    def _init(self) -> None:
        # Made beside its place and renamed, so that a kill leaves no half-made directory in use.
        new = self.folder / "pgdata.new"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        self._user.own(new)
        arguments = ["-D", str(new), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = self._run("initdb", *arguments, *([] if self._durable else ["--no-sync"]))
        if done.returncode != 0:
            raise self._failed("initdb", done.stdout)
        new.rename(self._data)

    def _forget_reused_pid(self) -> None:
        # PostgreSQL asks only whether the process on file lives. After a restart of a container or
        # a machine that number is often someone else's, and the server would never start again.
        import psutil  # comes with the extra

        file = self._data / "postmaster.pid"
        try:
            name = psutil.Process(int(file.read_text().split("\n", 1)[0])).name()
        except (FileNotFoundError, ValueError, psutil.Error):
            return
        if name != "postgres":
            file.unlink()

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
            start_new_session=True,  # Ctrl-C at the terminal is for us, not for the server
            check=False,
            **self._user.as_subprocess(),
        )

    def _failed(self, program: str, said: str) -> DatabaseUnavailable:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        telling = (
            [line for line in lines if "FATAL" in line or "error:" in line] or lines or ["no reason given"]
        )
        return DatabaseUnavailable(
            f"the embedded server does not start: {program}: {telling[-1]}",
            hint=f"Its data and its log are in {self.folder}.",
        )
