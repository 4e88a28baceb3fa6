"""Every private or process-wide name of discord.py that the bot touches, checked at import."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yarl
from discord import AutoShardedClient
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route
from discord.shard import Shard

_CLOSE_S = 5.0


@contextmanager
def pointed_at(api_base: str) -> Iterator[None]:
    """Point discord.py at an API root while the context lasts.

    The root is an attribute of a class, so a process talks to one server at a time.
    """
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE = api_base
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


async def ask_gateway(client: AutoShardedClient) -> tuple[int, str, dict[str, Any]]:
    """Return the number of shards, the gateway's URL and the session start limits the API names."""
    shards, url, limits = await client.http.get_bot_gateway()
    return shards, url, dict(limits)


def use_gateway(client: AutoShardedClient, url: str, shards: int) -> None:
    """Let the client's next connection, and every new session after it, go to ``url``.

    discord.py asks the API only while ``shard_count`` is unset, and goes to Discord's own gateway
    ever after; so a client of another server must be told each time.
    """
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
    client.shard_count = shards


async def close_gateway(client: AutoShardedClient) -> None:
    """Close a client's shards and forget what they still had to say; HTTP and caches stay open.

    Afterwards :meth:`discord.AutoShardedClient.connect` can be called again.
    """
    state: dict[str, Any] = vars(client)
    shards: dict[int, Shard] = state["_AutoShardedClient__shards"]
    closing = [asyncio.create_task(shard.close()) for shard in shards.values()]
    if closing:
        _, stuck = await asyncio.wait(closing, timeout=_CLOSE_S)
        for task in stuck:
            task.cancel()
    shards.clear()
    state["_AutoShardedClient__queue"] = asyncio.PriorityQueue()
    client._ready.clear()


def _verify() -> None:
    names = [
        (Route, "BASE"),
        (DiscordWebSocket, "DEFAULT_GATEWAY"),
        (HTTPClient, "get_bot_gateway"),
        (Shard, "close"),
    ]
    missing = [f"{owner.__name__}.{name}" for owner, name in names if not hasattr(owner, name)]
    set_by = {
        "_AutoShardedClient__shards": AutoShardedClient.__init__,
        "_AutoShardedClient__queue": AutoShardedClient._async_setup_hook,
        "_ready": AutoShardedClient.clear,
    }
    missing += [name for name, method in set_by.items() if name not in method.__code__.co_names]
    if missing:
        raise ImportError(f"this discord.py has changed {', '.join(missing)}; install discord.py 2.7")


_verify()
