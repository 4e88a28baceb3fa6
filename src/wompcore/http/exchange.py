"""One request and its whole answer, with aiohttp's names kept inside this room."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import ip_address

import aiohttp
from yarl import URL

from wompcore.errors import AddressRefused, AnswerTooLarge, TransportFailed
from wompcore.http.address import AddressPolicy

_LARGE_BODY = 2**20  # above it aiohttp asks for a file, so that sending yields to the event loop


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer read to its end.

    Args:
        status: The HTTP status.
        headers: By name, in any case.
        body: Decompressed.
        url: Where it came from, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = field(repr=False)


@dataclass(slots=True)
class Traffic:
    """What was sent where.

    Args:
        requests: Requests begun.
        connections: Connections begun for them, those included that nobody answered.
    """

    requests: int = 0
    connections: int = 0


# Whose request a socket is opened for: aiohttp opens it inside the request's context, and its own
# tracing, the other way to count, costs every request a tenth of its time.
_current: ContextVar[Traffic] = ContextVar("traffic")


def parse(url: str) -> URL:
    """Return a URL that can be requested.

    Raises:
        AddressRefused: It is no http or https URL with a host, or it carries a user name.
    """
    try:
        parsed = URL(url)
        anonymous = parsed.user is None and parsed.password is None
        usable = parsed.scheme in ("http", "https") and bool(parsed.host) and anonymous
    except ValueError as error:
        raise AddressRefused("this is not a URL") from error
    if not usable:
        raise AddressRefused("a URL must start with http:// or https:// and carry no user name")
    return parsed


def origin_of(url: URL) -> str:
    """Return scheme, host and port, the part of a URL that is safe to show."""
    return str(url.origin())


def counting_sockets(policy: AddressPolicy | None = None) -> aiohttp.SocketFactoryType:
    """Return a socket factory that counts each connection in the :class:`Traffic` of its request.

    Args:
        policy: Decides, per address and port, just before the connection is opened. A refused address
            ends the whole request: a name that leads to one public and one private address is not to
            be trusted with either.
    """

    def open_socket(found: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = found
        address, port = where[0], int(where[1])
        if policy is not None and not policy(ip_address(address), port):
            raise AddressRefused(f"{address} port {port} is not an address that may be contacted")
        _current.get().connections += 1
        return socket.socket(family, kind, protocol)

    return open_socket


def send(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str] | None,
    body: bytes | None,
    limits: aiohttp.ClientTimeout,
    traffic: Traffic,
) -> Awaitable[aiohttp.ClientResponse]:
    """Send one request; await the answer, which is here with its headers. Whoever called closes it."""
    traffic.requests += 1
    _current.set(traffic)  # never reset: it is read in a request only, and each request sets its own
    data = io.BytesIO(body) if body is not None and len(body) > _LARGE_BODY else body
    return session.request(method, url, headers=headers, data=data, timeout=limits, allow_redirects=False)


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str] | None,
    body: bytes | None,
    limits: aiohttp.ClientTimeout,
    max_bytes: int,
    traffic: Traffic,
) -> HttpAnswer:
    """Send one request and read its answer; redirects are answers like any other.

    Raises:
        TransportFailed: There was no complete answer.
        AnswerTooLarge: The decompressed body is larger than ``max_bytes``.
    """
    try:
        response = await send(
            session, method, url, headers=headers, body=body, limits=limits, traffic=traffic
        )
        try:
            content = await _read(response, max_bytes)
        finally:
            response.close()  # closes no connection that was read to its end: that one is in the pool
    except (aiohttp.ClientError, TimeoutError) as error:
        raise failure(origin_of(url), error) from error
    return HttpAnswer(response.status, response.headers, content, str(url))


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    arriving = response.content
    chunks: list[bytes] = []
    size = 0
    while not arriving.at_eof():
        chunk = arriving.read_nowait() or await arriving.readany()
        size += len(chunk)
        if size > max_bytes:
            raise AnswerTooLarge(origin_of(response.url), max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def failure(origin: str, error: Exception) -> TransportFailed:
    """Return in our terms what aiohttp says went wrong with a request to ``origin``."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return TransportFailed(origin, "no connection in time")
        case TimeoutError():
            return TransportFailed(origin, "no answer in time")
        case aiohttp.ClientSSLError():
            return TransportFailed(origin, "its TLS certificate or handshake is not valid", retryable=False)
        case aiohttp.ClientConnectorDNSError():
            return TransportFailed(origin, "the host name cannot be resolved")
        case aiohttp.ClientConnectorError():
            return TransportFailed(origin, _reason(error.os_error))
        case aiohttp.ServerDisconnectedError():
            return TransportFailed(origin, "the connection was closed without an answer")
        case aiohttp.ClientPayloadError():
            return TransportFailed(origin, "the answer broke off or is damaged")
        case aiohttp.ClientOSError():
            return TransportFailed(origin, _reason(error))
        case aiohttp.ClientResponseError():
            return TransportFailed(origin, "the answer is not HTTP", retryable=False)
        case _:
            return TransportFailed(origin, type(error).__name__, retryable=False)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else "the connection failed"
