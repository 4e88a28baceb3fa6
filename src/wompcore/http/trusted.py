"""Requests to the operator's own services: the model endpoint, a search server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache

import aiohttp
from yarl import URL

from wompcore.errors import AddressRefused
from wompcore.http.exchange import HttpAnswer, Traffic, exchange, failure, origin_of, parse, send
from wompcore.http.streaming import HttpStream

_MAX_BYTES = 16 * 2**20
_KEPT = 64
_EXACT = float("inf")  # aiohttp rounds longer time limits up to whole seconds unless told not to


class TrustedSession:
    """Sends to exact origins only; a redirect is handed back as an answer, never followed.

    Args:
        session: The connection pool of this session.
        origins: The only origins it sends to, as URLs; paths in them do not count.
        connect_timeout_s: Seconds to wait for a connection, name look-up included.

    Raises:
        AddressRefused: An origin is not an http or https URL.
    """

    def __init__(
        self, session: aiohttp.ClientSession, origins: Iterable[str], connect_timeout_s: float
    ) -> None:
        self._session = session
        self._connect_timeout_s = connect_timeout_s
        self._traffic = {origin_of(parse(origin)): Traffic() for origin in origins}
        # The same few endpoints are asked again and again: what was found out about them is kept.
        self._target = lru_cache(_KEPT)(self._look_at)
        self._limits = lru_cache(_KEPT)(self._make_limits)

    @property
    def traffic(self) -> Mapping[str, Traffic]:
        """Requests and connections by origin."""
        return self._traffic

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        read_timeout_s: float | None,
        max_bytes: int = _MAX_BYTES,
    ) -> HttpAnswer:
        """Fetch a resource; see :meth:`post_json` for the arguments and errors."""
        return await self._send("GET", url, None, headers, read_timeout_s, max_bytes)

    async def post_json(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        read_timeout_s: float | None,
        max_bytes: int = _MAX_BYTES,
    ) -> HttpAnswer:
        """Send a JSON body; see :meth:`post` for the arguments and errors."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return await self._send("POST", url, body, sent, read_timeout_s, max_bytes)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
        read_timeout_s: float | None,
        max_bytes: int = _MAX_BYTES,
    ) -> HttpAnswer:
        """Send a body, byte for byte as given, and read the answer.

        Args:
            url: Of one of the trusted origins.
            body: What to send.
            content_type: What it is.
            headers: Beside the content type.
            read_timeout_s: Seconds of silence before giving up; ``None`` where the caller's bound on the
                total will do, which costs less.
            max_bytes: Size of the decompressed answer at most.

        Raises:
            AddressRefused: The URL's origin is not trusted.
            TransportFailed: There was no complete answer.
            AnswerTooLarge: The answer is larger than ``max_bytes``.
        """
        sent = {"Content-Type": content_type, **(headers or {})}
        return await self._send("POST", url, body, sent, read_timeout_s, max_bytes)

    @asynccontextmanager
    async def stream_json(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        answer_within_s: float,
        max_bytes: int = _MAX_BYTES,
    ) -> AsyncIterator[HttpStream]:
        """Send a JSON body and read the answer while it comes; leaving early ends the request.

        Args:
            url: Of one of the trusted origins.
            body: Serialised JSON.
            headers: Beside the content type.
            answer_within_s: Seconds for the answer's headers; each later read has its own limit.
            max_bytes: Size of the decompressed answer at most.

        Raises:
            AddressRefused: The URL's origin is not trusted.
            TransportFailed: There was no answer.
        """
        target, traffic = self._target(url)
        sent = {"Content-Type": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        try:
            async with asyncio.timeout(answer_within_s):
                response = await send(
                    self._session,
                    "POST",
                    target,
                    headers=sent,
                    body=body,
                    limits=self._limits(None),
                    traffic=traffic,
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise failure(origin_of(target), error) from error
        async with response:
            yield HttpStream(response, max_bytes)

    def _send(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        read_timeout_s: float | None,
        max_bytes: int,
    ) -> Awaitable[HttpAnswer]:
        target, traffic = self._target(url)
        return exchange(
            self._session,
            method,
            target,
            headers=headers,
            body=body,
            limits=self._limits(read_timeout_s),
            max_bytes=max_bytes,
            traffic=traffic,
        )

    def _look_at(self, url: str) -> tuple[URL, Traffic]:
        target = parse(url)
        origin = origin_of(target)
        if origin not in self._traffic:
            raise AddressRefused(f"{origin} is not among the trusted origins")
        return target, self._traffic[origin]

    def _make_limits(self, silence_s: float | None) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            connect=self._connect_timeout_s, sock_read=silence_s, ceil_threshold=_EXACT
        )
