"""Row 14: how long an import takes, each in an interpreter of its own.

Seconds on the wall from the import statement to its end, files in the system's cache. Not covered:
the interpreter's own start, and a bot getting ready.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.measure import Goal, Result, alternate

ROW = 14
PROMISE = "`import wompcore` takes at most 150 ms, `import wompcore.llm` 1.2 x `import aiohttp, pydantic`."

_CLOCKED = """
from time import perf_counter
begun = perf_counter()
import {modules}
print(perf_counter() - begun)
"""


def run(rounds: int) -> Iterator[Result]:
    for ours, against, goal in (
        ("wompcore", "pydantic", Goal("ours", "<=", 150)),
        ("wompcore.llm", "aiohttp, pydantic", Goal("ratio", "<=", 1.2)),
    ):
        theirs, own = alternate(_importing(against), _importing(ours), rounds)
        yield Result(f"import {ours}", "ms", f"import {against}", theirs, own, goal)


def _importing(modules: str) -> Callable[[], float]:
    def measure() -> float:
        command = [sys.executable, "-c", _CLOCKED.format(modules=modules)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) * 1000

    return measure
