"""Row 14: how long an import takes, and how long a bot until it is ready, each in a process of its own.

Milliseconds on the wall, files in the system's cache, bytecode kept from the process before, as pip leaves
it: without, compiling takes longer than all else. A bot is ready when it is logged in to a
simulated guild with every built-in cog live, on an embedded database whose folder exists and whose
server has to be started. Not covered: the interpreter's own start, and a real gateway's answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Goal, Result, alternate

ROW = 14
PROMISE = (
    "`import wompcore` takes at most 150 ms, `import wompcore.llm` 1.2 x `import aiohttp, pydantic`;"
    " a bot is ready in 3 s."
)

_IMPORT = """
from time import perf_counter
begun = perf_counter()
import {modules}
print(perf_counter() - begun)
"""
_READY = """
import asyncio, sys
from time import perf_counter
begun = perf_counter()
from wompbot_cogs.app import open_app
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.simulated import SimulatedGuild

async def main():
    settings = BotSettings.model_validate({"database": {"data_dir": sys.argv[1]}})
    async with open_app(settings, shard_count=1) as app, SimulatedGuild.open(app.bot):
        ready = perf_counter() - begun
        states = {plugin.id: plugin.state for plugin in app.host.states()}
        assert len(states) >= 6 and set(states.values()) == {"live"}, states
        print(ready)

asyncio.run(main())
"""


def run(rounds: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="start") as name:
        folder = Path(name)
        for ours, against, goal in (
            ("wompcore", "pydantic", Goal("ours", "<=", 150)),
            ("wompcore.llm", "aiohttp, pydantic", Goal("ratio", "<=", 1.2)),
        ):
            theirs, own = alternate(_importing(against, folder), _importing(ours, folder), rounds)
            yield Result(f"import {ours}", "ms", f"import {against}", theirs, own, goal)
        ready = _printed_ms(_READY, folder, str(folder / "data"))
        theirs, own = alternate(_importing("discord", folder), ready, rounds)
        goal = Goal("ours", "<=", 3000)
        yield Result("bot ready, all built-in cogs", "ms", "import discord", theirs, own, goal)


def _importing(modules: str, folder: Path) -> Callable[[], float]:
    return _printed_ms(_IMPORT.format(modules=modules), folder)


def _printed_ms(program: str, folder: Path, *arguments: str) -> Callable[[], float]:
    """Run a program that prints seconds; the warm-up leaves its bytecode in the folder."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def measure() -> float:
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
        return float(done.stdout) * 1000

    return measure
