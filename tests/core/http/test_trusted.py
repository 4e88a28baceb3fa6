"""The session for the operator's own services."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from loopback import serve
from wompcore.config import HttpSettings
from wompcore.errors import AddressRefused, AnswerTooLarge, TransportFailed
from wompcore.http import HttpSessions


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"Set-Cookie": "seen=1"})


async def test_a_trusted_origin_is_reached_on_every_path() -> None:
    async with (
        serve(hello) as origin,
        HttpSessions.open(HttpSettings(), trusted_origins=[f"{origin}/v1"]) as http,
    ):
        answer = await http.trusted.post_json(f"{origin}/other", b"{}", read_timeout_s=5)
        assert (answer.status, answer.body) == (200, b"hello")


async def test_other_origins_are_refused_without_a_connection() -> None:
    async with (
        serve(hello) as origin,
        serve(hello) as other,
        HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http,
    ):
        for url in (other, origin.replace("http:", "https:"), origin.replace("127.0.0.1", "localhost")):
            with pytest.raises(AddressRefused, match="not among the trusted"):
                await http.trusted.get(url, read_timeout_s=5)
        assert http.trusted.traffic[origin].requests == 0


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with serve(away) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        answer = await http.trusted.get(origin, read_timeout_s=5)
        assert answer.status == 302
        assert http.trusted.traffic[origin].requests == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_what_is_posted_never_follows_a_redirect(status: int) -> None:
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serve(handle) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        answer = await http.trusted.post_json(f"{origin}/v1", b"{}", read_timeout_s=5)
        async with http.trusted.stream_json(f"{origin}/v1", b"{}", answer_within_s=5) as stream:
            assert stream.status == status
    assert answer.status == status
    assert asked == ["/v1", "/v1"]


async def test_the_body_arrives_byte_for_byte_even_when_it_is_large() -> None:
    received: list[bytes] = []

    async def keep(request: web.Request) -> web.Response:
        received.append(await request.content.read())
        return web.Response()

    body = b'"' + b"x" * 3_000_000 + b'"'
    async with serve(keep) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        await http.trusted.post_json(origin, body, read_timeout_s=5)
    assert received == [body]


async def test_cookies_and_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    cookies: list[str | None] = []

    async def keep(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return await hello(request)

    async with serve(keep) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        await http.trusted.get(origin, read_timeout_s=5)
        await http.trusted.get(origin, read_timeout_s=5)
    assert cookies == [None, None]


async def test_connections_are_reused() -> None:
    async with serve(hello) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        for _ in range(20):
            await asyncio.gather(*(http.trusted.get(origin, read_timeout_s=5) for _ in range(10)))
        traffic = http.trusted.traffic[origin]
        assert traffic.requests == 200
        assert traffic.connections <= 10


async def test_an_answer_that_is_too_large_is_given_up() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    async with serve(endless) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        with pytest.raises(AnswerTooLarge):
            await http.trusted.get(origin, read_timeout_s=5, max_bytes=50_000)


async def test_silence_ends_with_a_retryable_error() -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with serve(silent) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        with pytest.raises(TransportFailed, match="no answer in time") as caught:
            await http.trusted.get(origin, read_timeout_s=0.1)
        assert caught.value.retryable


async def test_nothing_listening_is_a_retryable_error_that_names_the_origin() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
            with pytest.raises(TransportFailed, match=f"{origin}: connection refused") as caught:
                await http.trusted.get(f"{origin}/secret", read_timeout_s=1)
    assert caught.value.retryable


async def test_something_that_is_not_http_is_not_asked_again() -> None:
    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"SSH-2.0-server\r\n")
        writer.close()

    server = await asyncio.start_server(mumble, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        with pytest.raises(TransportFailed, match="not HTTP") as caught:
            await http.trusted.get(origin, read_timeout_s=5)
    assert not caught.value.retryable


@pytest.mark.parametrize("origin", ["", "api.example.org/v1", "ftp://example.org", "http://u:p@example.org"])
async def test_an_origin_that_is_no_web_address_is_refused_at_once(origin: str) -> None:
    with pytest.raises(AddressRefused):
        async with HttpSessions.open(HttpSettings(), trusted_origins=[origin]):
            pass
