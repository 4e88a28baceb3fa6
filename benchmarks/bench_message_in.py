"""Row 1: a message on its way in: parsed, asked about, screened and stored, all built-in cogs loaded.

Both sides take the same MESSAGE_CREATE payloads through discord.py's own parser. The baseline is a
bare bot of discord.py with one empty listener; ours is the whole bot on an embedded PostgreSQL that
keeps its data as safely as any (only a power cut can lose the last moment). CPU time is this
process's; the database works in its own. Lines are drawn at random from a small vocabulary, one in
two hundred makes a claim. Not covered: the gateway's socket, decompression and JSON.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

import discord
from discord.ext import commands

from benchmarks.measure import Goal, Result, alternate
from wompbot_cogs.app import App, open_app
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.simulated import SimulatedGuild, message_create
from wompbot_cogs.simulated.payloads import author, member
from wompcore.ids import snowflake_at
from wompcore.llm.offline import offline_server

ROW = 1
PROMISE = (
    "A message costs at most 3 x the CPU of bare discord.py; 10,000 a second for a minute, none lost or"
    " doubled; loop lag p99 at most 5 ms at 1,000 a second."
)

_MESSAGES = 5_000
_PEOPLE = 500
_SECONDS = 60.0
_PACED_S = 5.0
_WORDS = (
    "the",
    "a",
    "my",
    "kernel",
    "driver",
    "screen",
    "works",
    "fails",
    "again",
    "maybe",
    "here",
    "why",
    "not",
)


class Place:
    """A guild with a bot in it, and messages for it."""

    def __init__(self, bot: commands.AutoShardedBot, guild: SimulatedGuild, app: App | None) -> None:
        self.bot = bot
        self.guild = guild
        self.app = app
        self._at = datetime.now(UTC)
        self._next_id = snowflake_at(self._at)
        self._random = random.Random(7)
        people = range(1_000_000, 1_000_000 + _PEOPLE)
        self._authors = [author(person, f"person{person}") for person in people]
        self._member = member(self._at)

    def payload(self) -> dict[str, Any]:
        """Return the next message."""
        self._next_id += 1 << 12
        words = self._random.choices(_WORDS, k=self._random.randint(2, 14))
        text = " ".join(words)
        if self._random.random() < 0.005:
            text = f"I guarantee that {text} will ship by 2031"
        speaker = self._random.choice(self._authors)
        channel = str(self.guild.channel_id())
        return message_create(
            self._next_id, channel, str(self.guild.id), speaker, self._member, text, self._at
        )

    async def take(self, count: int) -> float:
        """Feed messages as fast as they are taken; return the CPU seconds, storing included."""
        payloads = [self.payload() for _ in range(count)]
        begun = time.process_time()
        with self.guild.feeding():
            for number, payload in enumerate(payloads):
                self.guild.feed(payload)
                if number % 20 == 0:
                    await self._breathe()
        await self.stored()
        return time.process_time() - begun

    async def _breathe(self) -> None:
        await asyncio.sleep(0)
        if self.app is not None:
            await self.app.core.messages.room()

    async def stored(self) -> None:
        """Wait until everything is where it belongs."""
        if self.app is not None:
            await self.app.core.messages.flush()
            await self.app.core.claims.settled()


@asynccontextmanager
async def bare() -> AsyncIterator[Place]:
    """discord.py alone."""
    intents = discord.Intents.default()
    intents.message_content = True
    bot = commands.AutoShardedBot("!", intents=intents, shard_count=1, help_command=None)
    bot.on_message = _nothing  # type: ignore[method-assign] # instead of looking for commands
    async with SimulatedGuild.open(bot) as guild:
        yield Place(bot, guild, None)


async def _nothing(message: discord.Message) -> None:
    """Listen."""


@asynccontextmanager
async def whole() -> AsyncIterator[Place]:
    """The whole bot."""
    async with offline_server() as model:
        settings = BotSettings.model_validate({"llm": {"base_url": model.base_url, "model": "offline-1"}})
        async with (
            open_app(settings, temporary=True, shard_count=1) as app,
            SimulatedGuild.open(app.bot) as guild,
        ):
            yield Place(app.bot, guild, app)


def run(rounds: int) -> Iterator[Result]:
    theirs, ours = alternate(_cpu(bare), _cpu(whole), rounds)
    yield Result("message in, CPU", "us", "bare discord.py", theirs, ours, Goal("ratio", "<=", 3))
    theirs, ours = alternate(_lag(bare), _lag(whole), rounds)
    goal = Goal("ours", "<=", 5)
    yield Result("loop lag p99 at 1,000 messages/s", "ms", "bare discord.py", theirs, ours, goal)
    theirs = asyncio.run(_sustained(bare, rounds, _SECONDS / 6))
    ours = asyncio.run(_sustained(whole, rounds, _SECONDS))
    goal = Goal("ours", ">=", 10_000)
    yield Result("sustained for a minute", "msg/s", "bare discord.py", theirs, ours, goal)


def _cpu(place: Callable[[], Any]) -> Callable[[], float]:
    async def measure() -> float:
        async with place() as here:
            await here.take(_MESSAGES // 5)
            return await here.take(_MESSAGES) / _MESSAGES * 1e6

    return lambda: asyncio.run(measure())


def _lag(place: Callable[[], Any]) -> Callable[[], float]:
    async def measure() -> float:
        async with place() as here:
            await here.take(_MESSAGES // 5)
            return await _paced(here)

    return lambda: asyncio.run(measure())


async def _paced(here: Place) -> float:
    """Feed ten messages every ten milliseconds; return how late the loop came round, p99 in ms."""
    lags: list[float] = []
    begun = due = time.perf_counter()
    while due < begun + _PACED_S:
        due += 0.01
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        lags.append(max(0.0, time.perf_counter() - due))
        with here.guild.feeding():
            for _ in range(10):
                here.guild.feed(here.payload())
    await here.stored()
    return quantiles(lags, n=100)[98] * 1000


async def _sustained(place: Callable[[], Any], windows: int, seconds: float) -> tuple[float, ...]:
    """Feed without a break; return the messages per second of each window of the time."""
    rates: list[float] = []
    async with place() as here:
        before = await _count(here)
        await here.take(_MESSAGES // 5)
        fed = _MESSAGES // 5
        for _ in range(windows):
            begun = time.perf_counter()
            taken = 0
            while time.perf_counter() < begun + seconds / windows:
                await here.take(_MESSAGES)
                taken += _MESSAGES
            rates.append(taken / (time.perf_counter() - begun))
            fed += taken
        if here.app is not None and await _count(here) - before != fed:
            raise AssertionError(f"{fed} messages went in, {await _count(here) - before} are stored")
    return tuple(rates)


async def _count(here: Place) -> int:
    return 0 if here.app is None else await here.app.core.db.fetch_value("SELECT count(*) FROM messages")
