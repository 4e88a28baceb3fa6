"""Row 7: a reaction on a message that nobody tracks, all built-in cogs loaded.

CPU per MESSAGE_REACTION_ADD payload through discord.py's own parser, for a bare bot and for ours; the
difference is what is ours. The emoji is one that no plugin asks for. Beside it stands one that a plugin
does ask for, a flame, of another person below another message each time: the plugin is handed each. The
statements they cause are counted and must be none. A million tracked
messages are put in memory as the bot keeps them: bytes for each, and what a look-up costs beside one
in an empty set. Not covered: reactions on tracked messages, which are counted in batches.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from benchmarks.bench_message_in import Place, bare, whole
from benchmarks.measure import Goal, Result, alternate
from wompbot_cogs import _dpy
from wompcore.claims import FIRE
from wompcore.ids import SnowflakeSet, snowflake_at

ROW = 7
PROMISE = "A reaction on an untracked message causes no statement and at most 1 us of ours."

_REACTIONS = 20_000
_THUMB = "\N{THUMBS UP SIGN}"
_TODAY = datetime(2026, 11, 23, tzinfo=UTC)


def run(rounds: int) -> Iterator[Result]:
    theirs, ours = alternate(_cpu(bare, _THUMB), _cpu(whole, _THUMB), rounds)
    extra = median(ours) - median(theirs)
    yield Result("reaction, CPU", "us", "bare discord.py", theirs, ours, None)
    yield Result("of it ours", "us", "bare discord.py", theirs, (max(extra, 0.0),) * 2, Goal("ours", "<=", 1))
    theirs, ours = alternate(_cpu(bare, FIRE), _cpu(whole, FIRE), rounds)
    yield Result("one a plugin asks for", "us", "bare discord.py", theirs, ours, None)
    many = _many()
    each = many.nbytes / len(many)
    yield Result(
        "memory per tracked message",
        "bytes",
        "the ids alone",
        (8.0,) * 2,
        (each,) * 2,
        Goal("ours", "<=", 16),
    )
    nothing, found = alternate(lambda: _look_up(SnowflakeSet(1)), lambda: _look_up(many), rounds)
    yield Result("look-up among a million", "us", "an empty set", nothing, found, None)


def _many() -> SnowflakeSet:
    """Return a million tracked messages of three years, as a process reads them at its start."""
    chance = random.Random(7)
    ids = sorted({snowflake_at(_TODAY - timedelta(seconds=chance.random() * 1e8)) for _ in range(1_000_000)})
    return SnowflakeSet.unpack(b"".join(id_.to_bytes(8, "big") for id_ in ids), 1_000_000)


def _look_up(tracked: SnowflakeSet) -> float:
    chance = random.Random(8)
    ids = [snowflake_at(_TODAY - timedelta(seconds=chance.random() * 1e8)) for _ in range(_REACTIONS)]
    begun = time.process_time()
    for id_ in ids:
        id_ in tracked  # noqa: B015 # what is timed
    return (time.process_time() - begun) / _REACTIONS * 1e6


def _cpu(place: Callable[[], Any], emoji: str) -> Callable[[], float]:
    async def measure() -> float:
        async with place() as here:
            if here.app is not None:
                await here.app.core.jobs.stop()  # its heartbeat would be counted with the reactions
                await here.stored()
                await asyncio.sleep(0.5)  # the commands are registered meanwhile
            return await _react(here, emoji)

    return lambda: asyncio.run(measure())


async def _react(here: Place, emoji: str) -> float:
    payloads = [_payload(here, emoji, number) for number in range(_REACTIONS)]
    statements = 0 if here.app is None else here.app.core.db.statements
    begun = time.process_time()
    with here.guild.feeding():
        for payload in payloads:
            _dpy.feed(here.bot, "MESSAGE_REACTION_ADD", payload)
    spent = time.process_time() - begun
    await asyncio.sleep(0.05)
    if here.app is not None and here.app.core.db.statements != statements:
        raise AssertionError(f"{here.app.core.db.statements - statements} statements for reactions")
    return spent / _REACTIONS * 1e6


def _payload(here: Place, emoji: str, number: int) -> dict[str, Any]:
    return {
        "user_id": str(1_000_001 + number),
        "channel_id": str(here.guild.channel_id()),
        "message_id": str(1_500_000_000_000_000_000 + number),
        "guild_id": str(here.guild.id),
        "emoji": {"id": None, "name": emoji},
        "type": 0,
        "burst": False,
    }
