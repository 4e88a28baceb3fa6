"""The session for addresses that somebody else chose."""

from __future__ import annotations

import asyncio
import gzip
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from loopback import serve
from wompcore.config import HttpSettings
from wompcore.errors import AddressRefused, AnswerTooLarge, TransportFailed
from wompcore.http import AddressPolicy, HttpSessions


def only(*origins: str) -> AddressPolicy:
    """Allow the ports of some loopback servers and nothing else."""
    ports = {urlsplit(origin).port for origin in origins}

    def allows(address: IPv4Address | IPv6Address, port: int) -> bool:
        return port in ports

    return allows


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "0.0.0.0"],
)
async def test_private_addresses_are_refused_in_every_dress(host: str) -> None:
    async with HttpSessions.open(HttpSettings(), trusted_origins=[]) as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", f"http://{host}:8/")
        assert http.guarded.traffic.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
async def test_odd_spellings_of_loopback_reach_nothing(host: str) -> None:
    async with HttpSessions.open(HttpSettings(), trusted_origins=[]) as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", f"http://{host}:8/")
        assert http.guarded.traffic.connections == 0


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://1.1.1.1", "http://", "//1.1.1.1", "http://u@1.1.1.1"]
)
async def test_only_plain_web_addresses_are_taken(url: str) -> None:
    async with HttpSessions.open(HttpSettings(), trusted_origins=[]) as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", url)


async def test_a_trusted_origin_is_not_open_to_guarded_requests() -> None:
    async with serve(hello) as origin, HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", origin)


async def test_an_allowed_address_answers() -> None:
    async with (
        serve(hello) as origin,
        HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin)) as http,
    ):
        answer = await http.guarded.request("GET", origin)
        assert (answer.status, answer.body) == (200, b"hello")


async def test_a_redirect_to_a_refused_address_is_refused_before_it_is_contacted() -> None:
    reached: list[str] = []

    async def inner(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    async with serve(inner) as private:

        async def away(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": f"{private}/admin"})

        async with (
            serve(away) as origin,
            HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin)) as http,
        ):
            with pytest.raises(AddressRefused):
                await http.guarded.request("GET", origin)
    assert reached == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://u:p@127.0.0.1/", "http://[", "gopher://x"]
)
async def test_a_redirect_to_something_else_than_a_web_address_is_refused(location: str) -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    async with (
        serve(away) as origin,
        HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin)) as http,
    ):
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", origin)


async def test_secrets_do_not_follow_a_redirect_to_another_origin() -> None:
    seen: list[dict[str, str]] = []

    async def target(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response(text="there")

    async with serve(target) as other:

        async def away(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": other})

        async with (
            serve(away) as origin,
            HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin, other)) as http,
        ):
            sent = {"Authorization": "Bearer s", "X-Api-Key": "s", "Accept": "text/plain"}
            answer = await http.guarded.request("GET", origin, headers=sent)
    assert answer.url.startswith(other)
    assert seen[0]["Accept"] == "text/plain"
    assert not {"Authorization", "X-Api-Key"} & seen[0].keys()


async def test_a_redirect_of_a_post_is_not_followed() -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/again"})

    async with (
        serve(away) as origin,
        HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin)) as http,
    ):
        assert (await http.guarded.request("POST", origin, body=b"x")).status == 307


async def test_a_circle_of_redirects_ends() -> None:
    async def around(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/again"})

    async with (
        serve(around) as origin,
        HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin)) as http,
    ):
        with pytest.raises(TransportFailed, match="redirects"):
            await http.guarded.request("GET", origin)
        assert http.guarded.traffic.requests == 6


async def test_a_small_body_that_unpacks_to_a_large_one_is_given_up() -> None:
    async def bomb(request: web.Request) -> web.Response:
        packed = gzip.compress(b"0" * 20_000_000)
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with (
        serve(bomb) as origin,
        HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin)) as http,
    ):
        with pytest.raises(AnswerTooLarge):
            await http.guarded.request("GET", origin, max_bytes=100_000)


async def test_a_body_that_drips_for_ever_is_given_up() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.01)

    async with (
        serve(drip) as origin,
        HttpSessions.open(HttpSettings(), trusted_origins=[], policy=only(origin)) as http,
    ):
        with pytest.raises(TransportFailed, match="within"):
            await http.guarded.request("GET", origin, total_s=0.2)
