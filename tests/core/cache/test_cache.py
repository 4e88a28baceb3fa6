"""Texts that are kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from wompcore.cache import Cache
from wompcore.config import CacheSettings


class Maker:
    """Makes a text and counts how often."""

    def __init__(self, text: str = "made") -> None:
        self.text = text
        self.times = 0
        self.go = asyncio.Event()
        self.go.set()
        self.cancelled = 0

    async def __call__(self) -> str:
        self.times += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.text


class RedisDouble:
    """The part of Redis that a cache speaks to, over its real protocol, on loopback."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}
        self.commands: list[bytes] = []
        self.connections: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            while line := await reader.readline():
                words = []
                for _ in range(int(line[1:])):
                    length = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(length + 2))[:-2])
                writer.write(self.answer(*words))
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def answer(self, command: bytes, *words: bytes) -> bytes:
        self.commands.append(command)
        match command:
            case b"HELLO":
                return b"-ERR unknown command\r\n" if not words else b"%1\r\n$5\r\nproto\r\n:3\r\n"
            case b"GET":
                text = self.kept.get(words[0])
                return b"_\r\n" if text is None else b"$%d\r\n%s\r\n" % (len(text), text)
            case b"PSETEX":
                self.kept[words[0]] = words[2]
        return b"+OK\r\n"


@asynccontextmanager
async def redis() -> AsyncIterator[tuple[RedisDouble, CacheSettings]]:
    pytest.importorskip("redis")
    double = RedisDouble()
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield double, CacheSettings(url=SecretStr(f"redis://127.0.0.1:{port}/0"))
    finally:
        server.close()
        for writer in double.connections:
            writer.close()
        await asyncio.sleep(0)


async def test_what_was_made_is_not_made_again() -> None:
    make = Maker()
    async with Cache.open(CacheSettings()) as cache:
        for _ in range(3):
            assert await cache.get_or_make("a", make, ttl_s=60) == "made"
        assert (make.times, cache.hits, cache.misses) == (1, 2, 1)


async def test_it_is_made_again_after_its_time() -> None:
    make = Maker()
    async with Cache.open(CacheSettings()) as cache:
        await cache.get_or_make("a", make, ttl_s=0.01)
        await asyncio.sleep(0.05)
        await cache.get_or_make("a", make, ttl_s=60)
        await cache.get_or_make("b", make, ttl_s=0)
        await cache.get_or_make("b", make, ttl_s=0)
    assert make.times == 4


async def test_many_who_ask_at_once_wait_for_one() -> None:
    make = Maker()
    make.go.clear()
    async with Cache.open(CacheSettings()) as cache:
        waiting = [asyncio.create_task(cache.get_or_make("a", make, ttl_s=60)) for _ in range(50)]
        await asyncio.sleep(0)
        make.go.set()
        assert set(await asyncio.gather(*waiting)) == {"made"}
    assert make.times == 1


async def test_one_who_leaves_does_not_stop_it_and_the_last_one_does() -> None:
    make = Maker()
    make.go.clear()
    async with Cache.open(CacheSettings()) as cache:
        first, second = [asyncio.create_task(cache.get_or_make("a", make, ttl_s=60)) for _ in range(2)]
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.wait([first])
        assert make.cancelled == 0
        second.cancel()
        third = asyncio.create_task(cache.get_or_make("a", make, ttl_s=60))
        await asyncio.sleep(0.01)
        make.go.set()
        assert await third == "made"
    assert make.times - make.cancelled == 1


async def test_a_failure_is_not_kept() -> None:
    async def fail() -> str:
        raise ConnectionError

    async with Cache.open(CacheSettings()) as cache:
        with pytest.raises(ConnectionError):
            await cache.get_or_make("a", fail, ttl_s=60)
        assert await cache.get_or_make("a", Maker(), ttl_s=60) == "made"


async def test_the_entry_that_was_unused_longest_makes_room() -> None:
    make = Maker()
    async with Cache.open(CacheSettings(entries=2)) as cache:
        for key in ("a", "b", "a", "c", "a", "b"):
            await cache.get_or_make(key, make, ttl_s=60)
    assert make.times == 4  # b had to go for c, and is made again


async def test_a_huge_text_is_handed_out_and_not_kept() -> None:
    make = Maker("x" * 200_000)
    async with Cache.open(CacheSettings()) as cache:
        for _ in range(2):
            assert len(await cache.get_or_make("a", make, ttl_s=60)) == 200_000
    assert make.times == 2


async def test_processes_share_what_redis_keeps() -> None:
    make = Maker("gemacht ü")
    async with redis() as (double, settings):
        for _ in range(2):
            async with Cache.open(settings) as cache:
                assert await cache.get_or_make("a", make, ttl_s=60) == "gemacht ü"
        assert double.kept
    assert make.times == 1


async def test_nobody_waits_for_a_redis_that_is_away() -> None:
    make = Maker()
    async with redis() as (_, settings):
        pass
    async with Cache.open(settings) as cache, asyncio.timeout(3):
        for _ in range(2):
            assert await cache.get_or_make("a", make, ttl_s=60) == "made"
    assert make.times == 2
