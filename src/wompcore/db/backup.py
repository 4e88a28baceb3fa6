"""Backup and restore, with PostgreSQL's own programs.

A backup is one file in ``pg_dump``'s custom format. Owners and rights of roles are left out, so the
server that takes it need not know the roles. Use a direct URL, not a pooler's.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from wompcore.db.binaries import client_program
from wompcore.db.connection import CONNECT_WITHIN_S
from wompcore.db.translate import unreachable
from wompcore.errors import BackupFailed, DatabaseNotEmpty

_SCHEMAS = """
    SELECT nspname, EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_namespace.oid)
    FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
"""
_NEW_PUBLIC = (
    "CREATE SCHEMA public",
    "ALTER SCHEMA public OWNER TO pg_database_owner",
    "GRANT USAGE ON SCHEMA public TO public",
)
# A bot that still runs holds locks: say so soon instead of waiting for it.
_SESSION = "-c lock_timeout=2s -c statement_timeout=0 -c client_min_messages=warning"
_HEADER_LINES = 25


async def backup(url: str, file: Path) -> None:
    """Write everything in a database to a file, which appears whole or not at all.

    Args:
        url: The database.
        file: The file; one that exists is replaced.

    Raises:
        BackupFailed: It cannot be read or written.
        DatabaseUnavailable: Nothing answers, or it refuses us.
        ExtraMissing: ``pg_dump`` is neither shipped nor installed.
    """
    await asyncio.to_thread(_backup, url, file)


async def restore(url: str, file: Path, *, replace: bool = False) -> None:
    """Fill a database from a file of :func:`backup`, in one transaction: wholly or not at all.

    Args:
        url: The database.
        file: The backup.
        replace: Whether what the database holds is removed first.

    Raises:
        BackupFailed: The file is no backup, or the database does not take it.
        DatabaseNotEmpty: The database holds something and ``replace`` is off.
        DatabaseUnavailable: Nothing answers, or it refuses us.
        ExtraMissing: ``pg_restore`` or ``psql`` is neither shipped nor installed.
    """
    await asyncio.to_thread(_restore, url, file, replace)


def _backup(url: str, file: Path) -> None:
    _schemas(url)  # tells an unreachable database from a failing dump
    with _part_of(file) as part:
        command = [client_program("pg_dump"), "--format=custom", "--no-owner", "--no-acl"]
        command += [f"--file={part}", f"--dbname={_without_password(url)}"]
        done = subprocess.run(command, env=_environment(url), stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise _failed("the backup", done.stderr)
        os.replace(part, file)


def _restore(url: str, file: Path, replace: bool) -> None:
    schemas = _schemas(url)
    if any(schemas.values()) and not replace:
        raise DatabaseNotEmpty()
    drops = [sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)).as_string() for name in schemas]
    opening = "".join(f"{statement};\n" for statement in ("BEGIN", *drops, *_NEW_PUBLIC))
    reading = [client_program("pg_restore"), "--no-owner", "--no-acl", "--file=-", str(file)]
    writing = [client_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
               f"--dbname={_without_password(url)}", "--file=-"]  # fmt: skip
    with tempfile.TemporaryFile() as unread, tempfile.TemporaryFile() as refused:
        with (
            subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=unread) as reader,
            subprocess.Popen(
                writing,
                env=_environment(url),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=refused,
            ) as writer,
        ):
            assert reader.stdout is not None
            assert writer.stdin is not None
            with suppress(BrokenPipeError), writer.stdin as script:  # psql gave up: its own word counts
                script.write(opening.encode())
                _relay(reader.stdout, script)
                # A backup that breaks off half-way ends the script without this, so nothing stays.
                if reader.wait() == 0:
                    script.write(b"COMMIT;\n")
        for process, said in ((reader, unread), (writer, refused)):
            if process.returncode > 0:  # below zero: ended by us, since the other one failed
                said.seek(0)
                raise _failed(f"restoring {file}", said.read())


def _relay(script: IO[bytes], psql: IO[bytes]) -> None:
    # PostgreSQL 17's programs set this for every server; older servers do not know it.
    header = islice(script, _HEADER_LINES)
    psql.writelines(line for line in header if not line.startswith(b"SET transaction_timeout"))
    shutil.copyfileobj(script, psql)


def _schemas(url: str) -> dict[str, bool]:
    """Return the schemas that are not PostgreSQL's own, and whether each holds anything."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_WITHIN_S) as connection:
            return dict(connection.execute(_SCHEMAS))
    except psycopg.OperationalError as error:
        raise unreachable(url, error) from error


@contextmanager
def _part_of(file: Path) -> Iterator[Path]:
    """Give a private file beside ``file`` to write into, and leave none behind."""
    try:
        handle, part = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise BackupFailed(f"{file} cannot be written: {error.strerror}") from error
    os.close(handle)
    try:
        yield Path(part)
    finally:
        Path(part).unlink(missing_ok=True)


def _without_password(url: str) -> str:
    # Arguments of a process are for everyone on the machine to read; its environment is not.
    return make_conninfo("", **{**conninfo_to_dict(url), "password": None})


def _environment(url: str) -> dict[str, str]:
    password = conninfo_to_dict(url).get("password")
    return {**os.environ, "PGOPTIONS": _SESSION, **({"PGPASSWORD": str(password)} if password else {})}


def _failed(what: str, said: bytes) -> BackupFailed:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    telling = next((line for line in lines if "error:" in line.lower()), (lines or ["no reason given"])[-1])
    hint = "Stop every bot and worker that uses the database, then try again." if "lock" in telling else None
    return BackupFailed(f"{what} failed: {telling.strip()}", hint=hint)
