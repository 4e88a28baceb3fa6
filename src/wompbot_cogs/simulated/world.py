"""simcord's world, set up to run in real time beside real services, for as long as it takes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
from typing import Any

from simcord import Env
from simcord._runtime import _Runtime

from wompcore.clock import Clock
from wompcore.ids import MAX_ID, EntryIds

_FIRST_RUN = 512  # lower numbers belong to chat logs: docs/decisions/0002
_RUNS = 512
_KEPT = 1000


class World(Env):
    """simcord's environment without its virtual time.

    simcord lets a bot's timers stand still, and waits after every step until all that the bot started
    has ended. Both presume that the bot has nothing outside. Ours talks to a database and to HTTP
    servers, and its plugins keep tasks running; so simcord is not told which work is the bot's.

    Args:
        bot: A bot with one shard that is not logged in.
        clock: Tells the time in this world.
        run: Tells runs on one database apart; goes into every id made here.
    """

    def __init__(self, bot: Any, clock: Clock, run: int) -> None:
        super().__init__(bot)
        self._ids = EntryIds(_FIRST_RUN + run % _RUNS)
        self._next_id: int | None = None
        backend: Any = self.backend
        backend.clock = _WorldClock(clock)
        backend.snowflake = self._snowflake
        backend.transcript = deque(maxlen=_KEPT)
        backend.http_requests = deque(maxlen=_KEPT)

    async def start(self) -> None:
        """Log the bot in; afterwards the loop's own methods are back, so nothing pays for simcord's."""
        await super().start()
        for hooked in fields(_Runtime):
            setattr(self._loop, hooked.name, getattr(self._runtime, hooked.name))

    @contextmanager
    def _bot_scope(self) -> Iterator[None]:
        with self.time_context():
            yield

    @contextmanager
    def giving_id(self, value: int) -> Iterator[None]:
        """Give this id to the first thing that is made in the context."""
        self._next_id = value
        try:
            yield
        finally:
            self._next_id = None

    def bound_channel(self, channel_id: int) -> None:
        """Keep only a channel's last 1,000 messages."""
        self.backend.messages[channel_id] = _Bounded()

    def _snowflake(self) -> int:
        if self._next_id is not None:
            given, self._next_id = self._next_id, None
            return given
        return self._ids.next(self.backend.clock.now())


class _WorldClock:
    """simcord's clock, led by ours; ``elapsed`` is simcord's own count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.elapsed = 0.0

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        self.elapsed += seconds


class _Bounded(dict[int, Any]):
    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > _KEPT:
            del self[next(iter(self))]


def member_id(name: str) -> int:
    """Return the id that a member of simulated guilds has, the same in every run."""
    return int.from_bytes(blake2b(f"member\0{name}".encode(), digest_size=8).digest()) & MAX_ID or 1


def _verify() -> None:
    missing = [name for name in ("_bot_scope", "time_context", "start", "shutdown") if not hasattr(Env, name)]
    missing += [f.name for f in fields(_Runtime) if not hasattr(asyncio.AbstractEventLoop, f.name)]
    if missing:
        raise ImportError(f"this simcord has changed {', '.join(missing)}; install simcord 3.2")


_verify()
