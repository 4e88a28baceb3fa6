"""The database: opened once and passed on."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, LiteralString, Self

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict

from wompcore.config import DatabaseSettings
from wompcore.db.connection import CONNECT_WITHIN_S, LinkState, counting_cursor
from wompcore.db.embedded import EmbeddedServer, default_folder
from wompcore.db.pool import Pool
from wompcore.db.translate import host_of, translated, unreachable
from wompcore.errors import DatabaseReadOnly, DatabaseTooOld

OLDEST_VERSION = 150000
"""The oldest server that is supported, as PostgreSQL's ``server_version_num``."""

_GRACE_S = 2.0  # after the server should have ended a statement, we wait this long for its word
_log = logging.getLogger(__name__)

Statement = LiteralString | bytes | sql.SQL | sql.Composed
Row = tuple[Any, ...]


class Database:
    """A pool of autocommit connections: one statement is one transaction is one round trip.

    ``url`` may lead through a pooler in transaction mode, so no session state is kept on pooled
    connections; ``direct_url`` leads past it. When the two differ, statements are not prepared, and
    the statement timeout is written onto the role in this database (``ALTER ROLE ... IN DATABASE``),
    as a pooler refuses startup options; where that is not allowed a warning is logged. When they are
    the same the timeout goes with each connection.

    Made by :meth:`open`.

    Args:
        settings: How the database is used.
        url: Where it is; the settings' own or the embedded server's.
    """

    def __init__(self, settings: DatabaseSettings, url: str) -> None:
        self.url = url
        self.direct_url = (settings.direct_url if settings.url else "") or url
        self._timeout_ms = round(settings.statement_timeout_s * 1000)
        self._state = LinkState()
        self._kwargs: dict[str, Any] = {
            "autocommit": True,
            "connect_timeout": CONNECT_WITHIN_S,
            "cursor_factory": counting_cursor(self._state),
            "fallback_application_name": "wompbot",
        }
        self.pool = Pool(
            url,
            self._state,
            kwargs=self._kwargs | self._pooled_kwargs(),
            min_size=settings.pool_min,
            max_size=settings.pool_max,
            checkout_s=settings.checkout_timeout_s,
            answer_within_s=settings.statement_timeout_s + _GRACE_S,
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: DatabaseSettings, *, temporary: bool = False) -> AsyncIterator[Self]:
        """Open the pool, and the embedded server first when no URL is set.

        Args:
            settings: Where the database is and how it is used.
            temporary: Use an embedded server that is thrown away at the end, whatever the URL.

        Raises:
            ConfigInvalid: The URL cannot be read.
            DatabaseUnavailable: Nothing answers, or it refuses us.
            DatabaseTooOld: The server is older than PostgreSQL 15.
            DatabaseReadOnly: The server takes no writes.
            ExtraMissing: An embedded server is wanted and not installed.
        """
        async with AsyncExitStack() as stack:
            url = settings.url
            if temporary or not url:
                settings = settings.model_copy(update={"url": "", "direct_url": ""})
                folder = None if temporary else settings.data_dir or default_folder()
                url = (await stack.enter_async_context(EmbeddedServer.open(folder))).url()
            host_of(url)  # a URL that cannot be read is told before anything is tried
            host_of(settings.direct_url or url, "database.direct_url")
            db = cls(settings, url)
            await db._check_server()
            await db.pool.open()
            stack.push_async_callback(db.pool.close)
            yield db

    @property
    def statements(self) -> int:
        """Statements run through any connection of ours, whoever asked for it, since open."""
        return self._state.statements

    async def execute(self, query: Statement, params: Params | None = None) -> int:
        """Run one statement and return how many rows it touched."""
        async with self.connection() as connection:
            return (await connection.execute(query, params)).rowcount

    async def fetch_all(self, query: Statement, params: Params | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        async with self.connection() as connection:
            return await (await connection.execute(query, params)).fetchall()

    async def fetch_one(self, query: Statement, params: Params | None = None) -> Row | None:
        """Run one statement and return its first row, ``None`` when there is none."""
        async with self.connection() as connection:
            row: Row | None = await (await connection.execute(query, params)).fetchone()
            return row

    async def fetch_value(self, query: Statement, params: Params | None = None) -> Any:
        """Run one statement and return its first row's first column, ``None`` when there is no row."""
        row = await self.fetch_one(query, params)
        return None if row is None else row[0]

    async def notify(self, channel: str, payload: str) -> None:
        """Send ``payload`` to everyone who listens on ``channel``, in every process.

        Args:
            channel: The channel's name.
            payload: A text below 8,000 bytes (PostgreSQL's limit).
        """
        await self.execute("SELECT pg_notify(%s, %s)", [channel, payload])

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Borrow an autocommit connection from the pool.

        Raises:
            PoolExhausted: None became free within ``database.checkout_timeout_s``.
            DatabaseUnavailable: The server is away, or went away meanwhile.
            DatabaseReadOnly: A write was refused.
            StatementTimedOut: A statement ran too long.
            psycopg.Error: The statement itself is at fault.
        """
        with translated(self.url):
            connection = await self.pool.getconn()
            try:
                yield connection
            finally:
                await self.pool.putconn(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Borrow a connection inside a transaction: committed at the end, rolled back on an error.

        Raises:
            DatabaseError: As for :meth:`connection`.
        """
        async with self.connection() as connection, connection.transaction():
            self._state.statements += 2  # BEGIN and COMMIT pass no cursor
            yield connection

    @asynccontextmanager
    async def direct_connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Open an autocommit connection of one's own on ``direct_url``, without a statement timeout.

        Raises:
            DatabaseError: As for :meth:`connection`.
        """
        connection = await self.connect_directly()
        try:
            with translated(self.direct_url):
                await connection.execute("SET statement_timeout = 0")
                yield connection
        finally:
            await connection.close()

    async def connect_directly(self, *, counted: bool = True) -> AsyncConnection[Any]:
        """Return a new autocommit connection on ``direct_url``, for the caller to close.

        Args:
            counted: Whether its statements count in :attr:`statements`.

        Raises:
            DatabaseUnavailable: Nothing answers, or it refuses us.
        """
        cursor = {} if counted else {"cursor_factory": psycopg.AsyncCursor}
        return await self._connect(self.direct_url, **cursor)

    async def _connect(self, url: str, **kwargs: Any) -> AsyncConnection[Any]:
        try:
            return await AsyncConnection.connect(url, **self._kwargs | kwargs)
        except psycopg.OperationalError as error:
            raise unreachable(url, error) from error

    def _pooled_kwargs(self) -> dict[str, Any]:
        if self._pooler:
            return {"prepare_threshold": None}
        options = conninfo_to_dict(self.url).get("options") or ""
        return {"options": f"{options} -c statement_timeout={self._timeout_ms}".strip()}

    @property
    def _pooler(self) -> bool:
        return self.direct_url != self.url

    async def _check_server(self) -> None:
        query = """
            SELECT current_setting('server_version_num')::int, current_setting('transaction_read_only')::bool
        """
        if self._pooler:
            await self._set_role_timeout()  # before the pooler opens sessions of its own for us
        connection = await self._connect(self.url)
        try:
            with translated(self.url):
                version, read_only = await (await connection.execute(query)).fetchone() or (0, False)
        finally:
            await connection.close()
        if version < OLDEST_VERSION:
            raise DatabaseTooOld(f"the database at {host_of(self.url)} is PostgreSQL {version // 10000}")
        if read_only:
            raise DatabaseReadOnly(f"the database at {host_of(self.url)} accepts no writes")

    async def _set_role_timeout(self) -> None:
        statement = sql.SQL("ALTER ROLE {} IN DATABASE {} SET statement_timeout = {}")
        async with self.direct_connection() as connection:
            names = sql.Identifier(connection.info.user), sql.Identifier(connection.info.dbname)
            try:
                await connection.execute(statement.format(*names, sql.Literal(self._timeout_ms)))
            except psycopg.errors.InsufficientPrivilege:
                _log.warning("no statement timeout is set: the role may not change its own settings")
