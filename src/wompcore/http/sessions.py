"""Opens and closes both sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver

from wompcore.config import HttpSettings
from wompcore.http.address import AddressPolicy, is_public
from wompcore.http.exchange import counting_sockets
from wompcore.http.guarded import GuardedSession
from wompcore.http.trusted import TrustedSession

_KEEP_ALIVE_S = 60.0


class HttpSessions:
    """The two ways out; made by :meth:`open`.

    Args:
        trusted: For the operator's own services.
        guarded: For everything else.
    """

    def __init__(self, trusted: TrustedSession, guarded: GuardedSession) -> None:
        self.trusted = trusted
        self.guarded = guarded

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: HttpSettings,
        *,
        trusted_origins: Iterable[str],
        policy: AddressPolicy = is_public,
        resolver: AbstractResolver | None = None,
    ) -> AsyncIterator[HttpSessions]:
        """Open both sessions and close them at the end.

        Args:
            settings: Limits.
            trusted_origins: URLs whose scheme, host and port the trusted session may send to.
            policy: What the guarded session may connect to; tests hand in their own.
            resolver: How the guarded session looks names up; the system's way when left out.

        Raises:
            AddressRefused: A trusted origin is not an http or https URL.
        """
        wait_s = settings.connect_timeout_s
        trusted_pool = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=settings.connections_per_host,
            keepalive_timeout=_KEEP_ALIVE_S,
            socket_factory=counting_sockets(),
        )
        guarded_pool = aiohttp.TCPConnector(
            limit=settings.connections_per_host,
            limit_per_host=8,
            socket_factory=counting_sockets(policy),
            resolver=resolver,
            happy_eyeballs_delay=None,  # one address after the other: a refusal must end the request
        )
        async with _session(trusted_pool) as trusted, _session(guarded_pool) as guarded:
            yield cls(TrustedSession(trusted, trusted_origins, wait_s), GuardedSession(guarded, wait_s))


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": "wompcore"},
    )
