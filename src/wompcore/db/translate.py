"""What a driver's error means to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolClosed, PoolTimeout

from wompcore.db.pool import ServerAway
from wompcore.errors import (
    ConfigInvalid,
    DatabaseReadOnly,
    DatabaseUnavailable,
    NotOpen,
    PoolExhausted,
    StatementTimedOut,
)

# The server is going, coming, or out of a resource: nothing is wrong with the statement.
_SERVER_AWAY = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleSessionTimeout,
)
_AWAY_CLASSES = ("08", "53", "58")
_HINTS = {
    "password authentication failed": "Check the user and password in database.url.",
    "no password supplied": "Put a password into database.url: postgresql://user:password@host/name",
    "does not exist": "Create the role and the database, or correct their names in database.url.",
    "no pg_hba.conf entry": "Allow this client in the server's pg_hba.conf.",
    "too many clients": "Lower database.pool_max, or raise max_connections on the server.",
    "too many connections": "Lower database.pool_max, or raise the limit on the server.",
    "unsupported startup parameter": "A pooler is in the way: set database.direct_url to the server itself.",
    "SSL": "Check sslmode in database.url.",
}


def host_of(url: str, setting: str = "database.url") -> str:
    """Return the place a URL names, for people: ``host:port/database``, never the password.

    Args:
        url: The URL.
        setting: Where it came from, for the error.

    Raises:
        ConfigInvalid: The URL cannot be read.
    """
    try:
        parts = conninfo_to_dict(url)
        port = str(parts.get("port") or 5432)
        if not all(part.isdecimal() for part in port.split(",") if part):  # several hosts, several ports
            raise ValueError(port)
    except (psycopg.ProgrammingError, ValueError):
        raise ConfigInvalid(  # the driver quotes the URL, and the password in it
            setting,
            "not a PostgreSQL URL",
            hint="It has the form postgresql://user:password@host:5432/name",
        ) from None
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    place = host if host.startswith("/") else f"{host}:{port}"
    return f"{place}/{parts.get('dbname') or parts.get('user') or ''}"


def unreachable(url: str, error: psycopg.Error) -> DatabaseUnavailable:
    """Return the one-line error for a connection that could not be made."""
    if isinstance(error, errors.ConnectionTimeout):
        said = "no answer in time"
    else:
        # 'connection failed: connection to server at "host", port 1 failed: FATAL:  the reason'
        said = _first_line(error).rpartition(" failed: ")[2].removeprefix("FATAL:  ")
    hint = next((hint for words, hint in _HINTS.items() if words in said), None)
    return DatabaseUnavailable(f"the database at {host_of(url)} cannot be reached: {said}", hint=hint)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn what the driver raises about the server, not about a statement, into our own errors.

    Args:
        url: Where the statements go, for the message.
    """
    try:
        yield
    except ServerAway as error:
        raise unreachable(url, error.trouble) from error
    except PoolTimeout as error:
        raise PoolExhausted() from error
    except PoolClosed as error:
        raise NotOpen("the database is used before it was opened or after it was closed") from error
    except errors.ReadOnlySqlTransaction as error:
        raise DatabaseReadOnly() from error
    except errors.QueryCanceled as error:
        raise StatementTimedOut() from error
    except psycopg.OperationalError as error:
        if _is_about_server(error):
            raise DatabaseUnavailable(
                f"the database at {host_of(url)} went away: {_first_line(error)}"
            ) from error
        raise


def _is_about_server(error: psycopg.OperationalError) -> bool:
    return (
        error.sqlstate is None  # no answer came from a server
        or isinstance(error, _SERVER_AWAY)
        or error.sqlstate.startswith(_AWAY_CLASSES)
    )


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).strip().split("\n", 1)[0]
