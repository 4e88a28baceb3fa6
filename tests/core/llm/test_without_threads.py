"""Nothing waits for an answer in a thread, so no number of calls can use the threads up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_client import FOR, Client, OpenClient, asking
from wompcore.llm import OpenAiStyle
from wompcore.llm.offline import offline_server

CALLS = 60


@pytest.fixture
def no_thread_left() -> Iterator[ThreadPoolExecutor]:
    """A pool whose only thread is busy for as long as the test runs."""
    done = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(done.wait)
        yield pool
        done.set()


async def streamed(client: Client) -> str:
    async with client.chat.stream(asking()) as stream:
        return "".join([delta.text async for delta in stream])


async def test_many_calls_at_once_need_no_thread(
    open_client: OpenClient, no_thread_left: ThreadPoolExecutor
) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        media = OpenAiStyle(client.http.trusted, client.settings)
        async with open_client(server.base_url, parts={"media": media}, embedding_model="e-1") as other:
            await asyncio.gather(other.chat.complete(asking()), streamed(other))  # connected by now
            asyncio.get_running_loop().set_default_executor(no_thread_left)
            before = threading.active_count()
            async with asyncio.timeout(30):
                replies, texts, vectors = await asyncio.gather(
                    asyncio.gather(*(other.chat.complete(asking()) for _ in range(CALLS))),
                    asyncio.gather(*(streamed(other) for _ in range(CALLS))),
                    asyncio.gather(*(other.chat.embed(["a cat"], FOR) for _ in range(CALLS))),
                )
            assert threading.active_count() == before
    assert all(reply.text for reply in replies)
    assert all(texts)
    assert all(found.vectors for found in vectors)
