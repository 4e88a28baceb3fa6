"""URLs that somebody chose in order to reach what they should not, or to hold us up."""

from __future__ import annotations

import asyncio
import gzip
import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from loopback import serve
from wompcore.config import HttpSettings
from wompcore.errors import AddressRefused, TransportFailed
from wompcore.http import AddressPolicy, HttpSessions

GOOD, BAD = "127.0.0.1", "127.0.0.2"


class Names(AbstractResolver):
    """Answers each look-up of a name with the next of its lists of addresses."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name: iter(found) for name, found in answers.items()}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in next(self._answers[host])
        ]

    async def close(self) -> None: ...


def not_bad(address: IPv4Address | IPv6Address, port: int) -> bool:
    return address == ip_address(GOOD)


@asynccontextmanager
async def guarded(
    policy: AddressPolicy | None = None, names: Names | None = None
) -> AsyncIterator[HttpSessions]:
    how = {"policy": policy} if policy else {}
    async with HttpSessions.open(HttpSettings(), trusted_origins=[], resolver=names, **how) as http:
        yield http


@asynccontextmanager
async def raw(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Run a server that writes whatever it likes."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(accept, GOOD, 0)
    try:
        yield f"http://{GOOD}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# -- where it leads -------------------------------------------------------------------------------

LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "0177.0.0.0x1",
    "127.0.0.1.",
    "127.000.000.001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ｌｏｃａｌｈｏｓｔ",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "%31%32%37.0.0.1",
    "127.0.0.1%00.example.com",
]
DRESSED = [
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[fc00::1]",
    "[ff02::1]",
]
INSIDE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "0300.0250.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "169.254.43518",
    "[fd00:ec2::254]",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
]


@pytest.mark.parametrize("host", LOOPBACK + DRESSED + INSIDE)
@pytest.mark.parametrize("form", ["http://{}/", "https://{}/", "http://{}:80/latest/meta-data"])
async def test_no_spelling_of_an_inner_address_is_contacted(host: str, form: str) -> None:
    async with guarded() as http:
        with pytest.raises((AddressRefused, TransportFailed)):
            await http.guarded.request("GET", form.format(host), total_s=5)
        assert http.guarded.traffic.connections == 0


@pytest.mark.parametrize("host", [*LOOPBACK[:14], *INSIDE[:9]])
async def test_what_resolves_to_an_inner_address_is_called_refused_not_failed(host: str) -> None:
    async with guarded() as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://good.example@127.0.0.1/",
        "http://good.example:80@127.0.0.1/",
        "http://:secret@127.0.0.1/",
        "http://@127.0.0.1/",
        "http://good.example#@127.0.0.1/",
        "http://127.0.0.1\\@good.example/",
        "http:\\\\127.0.0.1/",
        "http:127.0.0.1",
        "http:///127.0.0.1",
        "http://127.0.0.1\t/",
        "http://127.0.0.1\r\nHost: good.example/",
        " http://127.0.0.1/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:-80/",
        "http://127.0.0.1:22/",
        "http://1.1.1.1:22/",
        "http://1.1.1.1:6379/",
        "http://[::1/",
        "http://[::1]]/",
        "http://[v1.fe80::a+en1]/",
        "http://",
        "http://.",
        "http://..",
        "http://.localhost",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 200 + "example/",
        "http://\u00ad/",
        "http://\ud800/",
        "http://xn--a/",
        "http://a\0b/",
        "http://a%00b/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
        "//127.0.0.1/",
        "/etc/passwd",
        "",
    ],
)
async def test_a_misleading_url_reaches_nothing_and_breaks_nothing(url: str) -> None:
    async with guarded() as http:
        with pytest.raises((AddressRefused, TransportFailed)) as raised:
            await http.guarded.request("GET", url, total_s=5)
        assert http.guarded.traffic.connections == 0
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("who", ["me@", "me:secret@", ":secret@"])
async def test_nobody_is_logged_in_anywhere(who: str) -> None:
    async with serve(hello) as origin, guarded(not_bad) as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", origin.replace("//", f"//{who}"))


# -- names that change their mind -----------------------------------------------------------------


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_a_name_with_a_refused_address_is_refused() -> None:
    async with guarded(not_bad, Names(both=[[BAD, GOOD]])) as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", "http://both/")
        assert http.guarded.traffic.connections == 0


async def test_a_name_that_changes_its_answer_is_judged_by_what_is_connected_to() -> None:
    async with serve(hello) as origin:
        port = urlsplit(origin).port

        async def away(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": f"http://changing:{port}/"})

        async with serve(away) as first, guarded(not_bad, Names(changing=[[GOOD], [BAD]])) as http:
            with pytest.raises(AddressRefused):
                await http.guarded.request("GET", f"http://changing:{urlsplit(first).port}/")
            assert http.guarded.traffic.connections == 1


async def test_each_link_of_a_chain_is_judged() -> None:
    reached: list[str] = []

    async def chain(request: web.Request) -> web.Response:
        reached.append(request.path)
        step = int(request.path.strip("/"))
        place = f"/{step + 1}" if step < 3 else f"http://{BAD}:{request.url.port}/secret"
        return web.Response(status=307, headers={"Location": place})

    async with serve(chain) as origin, guarded(not_bad) as http:
        with pytest.raises(AddressRefused):
            await http.guarded.request("GET", f"{origin}/0")
    assert reached == ["/0", "/1", "/2", "/3"]


@pytest.mark.parametrize(
    "location",
    [
        f"//{BAD}/",
        f"http:{BAD}",
        f"http://{GOOD}@{BAD}/",
        f"http:\\\\{BAD}/",
        "http://2130706434/",
        "http://[::ffff:127.0.0.2]/",
        "http://[64:ff9b::7f00:2]/",
        "http://" + "a" * 64 + "/",
        "http://a\0b/",
        "\xff\xfe://x",
    ],
)
async def test_a_redirect_misleads_no_more_than_a_url(location: str) -> None:
    async def away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = location.encode("latin-1")
        writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")
        await writer.drain()

    async with raw(away) as origin, guarded(not_bad) as http:
        with pytest.raises((AddressRefused, TransportFailed)):
            await http.guarded.request("GET", origin, total_s=5)


# -- answers that hold us up ----------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"


def endless(start: bytes, more: bytes, pause_s: float = 0.0) -> Callable[..., Awaitable[None]]:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return handle


@pytest.mark.parametrize(
    ("start", "more", "pause_s"),
    [
        (b"", b"", 0.05),
        (b"HTTP/1.1", b" ", 0.05),
        (HEAD, b"X-More: 1\r\n", 0.05),
        (HEAD, b"X-More: 1\r\n", 0.0),
        (HEAD + b"X-Long: ", b"x" * 1000, 0.0),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.01),
        (HEAD + b"\r\n", b"x", 0.05),
        (HEAD + b"\r\n", b"x" * 65536, 0.0),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 1000, 0.0),
        (HEAD + b"Content-Length: 99999999999999\r\n\r\n", b"x", 0.05),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02),
        (b"garbage\r\n\r\n", b"garbage", 0.01),
    ],
)
async def test_an_answer_without_end_is_given_up_in_time(start: bytes, more: bytes, pause_s: float) -> None:
    async with raw(endless(start, more, pause_s)) as origin, guarded(not_bad) as http:
        async with asyncio.timeout(3):
            with pytest.raises(TransportFailed):
                await http.guarded.request("GET", origin, total_s=0.4, max_bytes=200_000)


UNPACKED = 2**28


def bomb(encoding: str) -> bytes:
    wbits = 31 if "gzip" in encoding else 15
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    zeros = bytes(2**20)
    packed = b"".join([*(packer.compress(zeros) for _ in range(UNPACKED // len(zeros))), packer.flush()])
    return gzip.compress(packed) if encoding.count("gzip") == 2 else packed


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
async def test_a_bomb_does_not_fill_the_memory(encoding: str) -> None:
    packed = bomb(encoding)

    async def serve_bomb(request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": encoding})

    async with serve(serve_bomb) as origin, guarded(not_bad) as http:
        tracemalloc.start()
        try:
            size = await received(http, origin)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 50_000_000
    assert size <= 2_000_000


async def received(http: HttpSessions, origin: str) -> int:
    """Return how large an answer is; nothing when it was given up."""
    try:
        return len((await http.guarded.request("GET", origin, max_bytes=2_000_000)).body)
    except TransportFailed:
        return 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_damaged_packed_body_is_a_transport_failure(encoding: str) -> None:
    async def damaged(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = b"\x1f\x8b\x08this is not packed"
        writer.write(
            HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding.encode(), len(body))
        )
        writer.write(body)
        await writer.drain()

    async with raw(damaged) as origin, guarded(not_bad) as http:
        try:
            answer = await http.guarded.request("GET", origin)
        except TransportFailed:
            return
        assert b"not packed" in answer.body  # an encoding we did not ask for and do not know is left as it is


# -- what we carry --------------------------------------------------------------------------------


async def test_nothing_is_remembered_between_requests() -> None:
    seen: list[str | None] = []

    async def tracking(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "seen=1; Path=/"})

    async with serve(tracking) as origin, guarded(not_bad) as http:
        for _ in range(2):
            await http.guarded.request("GET", origin)
    assert seen == [None, None]


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{BAD}:1")
    async with serve(hello) as origin, guarded(not_bad) as http:
        assert (await http.guarded.request("GET", origin)).body == b"hello"
