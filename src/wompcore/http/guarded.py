"""Requests to addresses that a person, a plugin or a model chose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
from yarl import URL

from wompcore.errors import AddressRefused, TransportFailed
from wompcore.http.address import is_plain_host
from wompcore.http.exchange import HttpAnswer, Traffic, exchange, origin_of, parse

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_HARMLESS_HEADERS = frozenset({"accept", "accept-language", "user-agent"})


class GuardedSession:
    """Sends to public addresses only; the address is checked where the connection is opened.

    That check sees what names, unusual spellings, redirects and changing name servers come down
    to. There is no proxy, no cookie, and a cap on bytes, seconds and redirects.

    Args:
        session: A connection pool whose sockets are opened by a policy.
        connect_timeout_s: Seconds to wait for a connection, name look-up included.
    """

    def __init__(self, session: aiohttp.ClientSession, connect_timeout_s: float) -> None:
        self._session = session
        self._connect_timeout_s = connect_timeout_s
        self.traffic = Traffic()
        """Requests and connections, all addresses together."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int = 2_000_000,
        total_s: float = 20.0,
    ) -> HttpAnswer:
        """Send a request and read the answer.

        Redirects of GET and HEAD are followed; to another origin go only harmless headers.

        Args:
            method: GET, HEAD, POST and so on.
            url: An http or https URL without a user name.
            headers: Sent along.
            body: Sent as it is.
            max_bytes: Size of the decompressed answer at most.
            total_s: Seconds for everything, redirects included.

        Raises:
            AddressRefused: The URL, or one it redirects to, leads to an address that is not allowed.
            TransportFailed: There was no complete answer.
            AnswerTooLarge: The answer is larger than ``max_bytes``.
        """
        target = _checked(url)
        try:
            async with asyncio.timeout(total_s):
                return await self._follow(method, target, headers, body, max_bytes)
        except TimeoutError as error:
            raise TransportFailed(origin_of(target), f"no whole answer within {total_s:g} s") from error

    async def _follow(
        self, method: str, url: URL, headers: Mapping[str, str] | None, body: bytes | None, max_bytes: int
    ) -> HttpAnswer:
        limits = aiohttp.ClientTimeout(connect=self._connect_timeout_s)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await exchange(
                self._session,
                method,
                url,
                headers=headers,
                body=body,
                limits=limits,
                max_bytes=max_bytes,
                traffic=self.traffic,
            )
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not location or method not in ("GET", "HEAD"):
                return answer
            target = _target(url, location)
            if target.origin() != url.origin():
                headers = {k: v for k, v in (headers or {}).items() if k.lower() in _HARMLESS_HEADERS}
                body = None
            url = target
        raise TransportFailed(origin_of(url), f"more than {_MAX_REDIRECTS} redirects", retryable=False)


def _checked(url: str) -> URL:
    parsed = parse(url)
    if not is_plain_host(parsed.raw_host or ""):
        raise AddressRefused("a host must be a name, or an address in its usual spelling")
    return parsed


def _target(url: URL, location: str) -> URL:
    try:
        return _checked(str(url.join(URL(location))))
    except ValueError as error:
        raise AddressRefused(f"{origin_of(url)} redirects to something that is not a URL") from error
