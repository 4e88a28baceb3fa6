"""Row 13: a plugin is replaced while the bot runs.

Both sides have the same cog: a listener, ten commands, hooks that take 50 ms each, three modules of 100
lines. Messages come every 5 ms while it is replaced five times. The baseline is discord.py's
``reload_extension`` on a bare bot. The pause is the longest time for which the event loop ran nothing else,
less the millisecond that was asked for; the interpreter is tuned as ``wompbot run`` does it. On a busy
machine that figure counts what others do as well, so the longest piece of the loop's own work is shown
beside it, in CPU time; also that of the built-in cog that takes longest. It is counted from millisecond to
millisecond, so up to one of what ran before is in it. The switch alone is the moment at which one version
stands in for the other; here without the cog's hooks, which have run by then. Memory is what the process
grew by between the 20th and the last of 200 rounds, in each of which every built-in cog is swapped once.
Not covered: plugins that bring large libraries along: those are imported once, beside the loop, but may
hold the interpreter for as long as their C code does.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module, invalidate_caches
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench_message_in import Place, bare, whole
from benchmarks.measure import Goal, Result, alternate
from wompbot_cogs.host.switch import switch
from wompbot_cogs.runner import tune_interpreter

ROW = 13
PROMISE = (
    "A swap loses no event and doubles none, stops the loop for at most 5 ms, and leaves memory as it was."
)

_SWAPS = 5
_PACE_S = 0.005
_ROUNDS = 200
_PAGE = 4096
_COG = """
import asyncio
from discord.ext import commands
from swapped_cog import one, two, three
from swapped_heard import HEARD

class Swapped(commands.Cog):
    async def cog_load(self):
        await asyncio.sleep(0.05)

    async def cog_unload(self):
        await asyncio.sleep(0.05)

    @commands.Cog.listener()
    async def on_message(self, message):
        HEARD.append(message.id)
{commands}
async def setup(bot):
    await bot.add_cog(Swapped())
"""
_COMMAND = '''
    @commands.hybrid_command()
    async def swapped_{number}(self, context, word: str, number: int = 0):
        """Do something."""
'''
_LINES = "def function_{number}(a, b=1, *c, **d):\n    return [a + b for b in c if d.get(b)] or a\n\n"
_MANIFEST = (
    '[plugin]\nid = "swapped"\nversion = "1"\napi = 1\nsummary = "Of a benchmark."\nmessage_content = true\n'
)


def run(rounds: int) -> Iterator[Result]:
    with _installed():
        losses = alternate(_lost(bare), _lost(whole), rounds)
        yield Result("events lost or doubled", "events", "discord.py reload", *losses, Goal("ours", "<=", 0))
        switches = alternate(_switch(bare), _switch(whole), rounds)
        yield Result("the switch alone", "ms", "remove and add a cog", *switches, Goal("ours", "<=", 1))
        works = alternate(_work(bare), _work(whole), rounds)
        yield Result("longest piece of work", "ms CPU", "discord.py reload", *works, Goal("ours", "<=", 5))
        works = alternate(_work(bare), _work_of_built_ins, rounds)
        yield Result(
            "longest of any built-in cog", "ms CPU", "discord.py reload", *works, Goal("ours", "<=", 5)
        )
        pauses = alternate(_pause(bare), _pause(whole), rounds)
        yield Result("pause of the loop", "ms", "discord.py reload", *pauses, Goal("ours", "<=", 5))
    growth = asyncio.run(growth_mib(_ROUNDS))
    yield Result("memory, rounds 20 to 200", "MiB", "-", (1.0,), (growth,), Goal("ours", "<=", 2))


@contextmanager
def _installed() -> Iterator[None]:
    """Install the cog as pip would, under a name both sides can import."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package, info = folder / "swapped_cog", folder / "swapped_cog-1.dist-info"
        package.mkdir()
        info.mkdir()
        made = "".join(_COMMAND.format(number=number) for number in range(10))
        plugin = "\nfrom wompbot_cogs import Plugin\nplugin = Plugin(lambda context: Swapped())\n"
        (package / "__init__.py").write_text(_COG.replace("{commands}", made) + plugin)
        for module in ("one", "two", "three"):
            lines = "".join(_LINES.format(number=number) for number in range(33))
            (package / f"{module}.py").write_text(lines)
        (package / "wompbot.toml").write_text(_MANIFEST)
        (folder / "swapped_heard.py").write_text("HEARD = []\n")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: swapped-cog\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[wompbot.cogs]\nswapped = swapped_cog:plugin\n")
        sys.path.insert(0, name)
        invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(name)
            for module in [module for module in sys.modules if module.startswith("swapped_")]:
                del sys.modules[module]


def _lost(place: Callable[[], Any]) -> Callable[[], float]:
    async def measure(here: Place, swap: Callable[[], Awaitable[object]]) -> float:
        heard: list[int] = import_module("swapped_heard").HEARD
        heard.clear()
        said: list[int] = []
        swapping = asyncio.create_task(_several(swap))
        with here.guild.feeding():
            while not swapping.done():
                payload = here.payload()
                said.append(int(payload["id"]))
                here.guild.feed(payload)
                await asyncio.sleep(_PACE_S)
        await swapping
        await asyncio.sleep(0.1)
        counts = Counter(heard)
        return float(sum(abs(counts[message] - 1) for message in said))

    return lambda: asyncio.run(_with_cog(place, measure))


def _pause(place: Callable[[], Any]) -> Callable[[], float]:
    return _longest(place, time.perf_counter, asked_s=0.001)


def _work(place: Callable[[], Any]) -> Callable[[], float]:
    return _longest(place, time.thread_time)


def _longest(
    place: Callable[[], Any], clock: Callable[[], float], asked_s: float = 0.0
) -> Callable[[], float]:
    async def measure(here: Place, swap: Callable[[], Awaitable[object]]) -> float:
        return median([await _stood_ms(swap, clock, asked_s) for _ in range(_SWAPS)])

    return lambda: asyncio.run(_with_cog(place, measure))


def _work_of_built_ins() -> float:
    """Return the longest piece of work while each built-in cog is swapped: of the one that takes longest."""

    async def measure(here: Place, swap: Callable[[], Awaitable[object]]) -> float:
        assert here.app is not None
        host = here.app.host
        swaps = [partial(host.swap, state.id) for state in host.states() if state.id != "swapped"]
        return max([median([await _stood_ms(each, time.thread_time) for _ in range(3)]) for each in swaps])

    return asyncio.run(_with_cog(whole, measure))


async def _stood_ms(
    swap: Callable[[], Awaitable[object]], clock: Callable[[], float], asked_s: float = 0.0
) -> float:
    await asyncio.sleep(0.2)  # what the swap before led to is over
    swapping = asyncio.ensure_future(swap())
    longest = 0.0
    while not swapping.done():
        begun = clock()
        await asyncio.sleep(0.001)
        longest = max(longest, clock() - begun - asked_s)
    await swapping
    return longest * 1e3


def _switch(place: Callable[[], Any]) -> Callable[[], float]:
    async def measure(here: Place, swap: Callable[[], Awaitable[object]]) -> float:
        before = here.bot.get_cog("Swapped")
        assert before is not None
        cogs = [before, *(type(before)() for _ in range(_SWAPS))]
        for cog in cogs:
            vars(cog).update(cog_load=_nothing, cog_unload=_nothing)
        took = []
        for old, new in pairwise(cogs):
            begun = time.thread_time()
            if here.app is None:
                await here.bot.remove_cog("Swapped")
                await here.bot.add_cog(new)
            else:
                await switch(here.bot, (old,), (new,))
            took.append((time.thread_time() - begun) * 1e3)
        await switch(here.bot, cogs[-1:], cogs[:1])
        return median(took)

    return lambda: asyncio.run(_with_cog(place, measure))


async def _nothing() -> None:
    """Stand where the cog's hooks stood."""


async def _several(swap: Callable[[], Awaitable[object]]) -> None:
    for _ in range(_SWAPS):
        await asyncio.sleep(0.02)
        await swap()


async def _with_cog(place: Callable[[], Any], measure: Callable[[Place, Any], Awaitable[float]]) -> float:
    async with place() as here:
        interval_s = sys.getswitchinterval()
        gc.collect()
        tune_interpreter()
        try:
            if here.app is None:
                await here.bot.load_extension("swapped_cog")
                return await measure(here, lambda: here.bot.reload_extension("swapped_cog"))
            host = here.app.host
            await host.load("swapped")
            return await measure(here, lambda: host.swap("swapped"))
        finally:
            gc.unfreeze()
            sys.setswitchinterval(interval_s)


async def growth_mib(rounds: int) -> float:
    """Return the MiB that the process grew by while every built-in cog was swapped again and again.

    Args:
        rounds: More than 21; memory counts from the 20th on.
    """
    at_20 = 0.0
    async with whole() as here:
        assert here.app is not None
        plugins = [state.id for state in here.app.host.states()]
        for number in range(rounds):
            for plugin in plugins:
                await here.app.host.swap(plugin)
            if number == 20 or number == rounds - 1:
                await asyncio.sleep(0.5)
                if left := here.app.host.receipts():
                    raise AssertionError(f"left in memory: {left}")
                gc.collect()
                at_20 = at_20 or _resident()
        return (_resident() - at_20) / 2**20


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
