"""Row 10: the tools of one turn run together.

Three tools of 1 s each, against the same three one after another. Then the same three beside one that
fails at once and one that hangs and ignores being cancelled, with a time limit of 1.2 s: how long the
three took, against without the two, and when the turn was over. Not covered: what the tools themselves
do, and the model's time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from benchmarks.measure import Goal, Result, alternate
from wompcore.llm import ToolCall
from wompcore.llm.tools import Toolbox, ToolContext, tool
from wompcore.usage import Attribution, Purpose

ROW = 10
PROMISE = "Three tools of 1 s take at most 1.1 s; a failing or hanging one delays none of the others."

LIMIT_S = 1.2
_HELD_S = 0.5


@tool(effect="read")
async def steady() -> str:
    """Take a second."""
    await asyncio.sleep(1.0)
    return "done"


@tool(effect="read")
async def failing() -> str:
    """Fail."""
    raise RuntimeError


@tool(effect="read", timeout_s=LIMIT_S)
async def hanging() -> str:
    """Hang, and go on after being cancelled."""
    try:
        await asyncio.sleep(60.0)
    except asyncio.CancelledError:
        await asyncio.sleep(_HELD_S)
    return "late"


THREE = ("steady",) * 3
TROUBLE = ("hanging", "failing")


def run(rounds: int) -> Iterator[Result]:
    theirs, ours = alternate(_one_by_one, lambda: _turn(*THREE)[0], rounds)
    yield Result("three tools of 1 s", "s", "one after another", theirs, ours, Goal("ours", "<=", 1.1))
    turns: list[float] = []

    def beside_trouble() -> float:
        turn_s, slowest_s = _turn(*TROUBLE, *THREE)
        turns.append(turn_s)
        return slowest_s

    without, beside = alternate(lambda: _turn(*THREE)[1], beside_trouble, rounds)
    yield Result("the three beside trouble", "s", "without it", without, beside, Goal("ratio", "<=", 1.1))
    limits = (LIMIT_S,) * rounds
    goal = Goal("ratio", "<=", 1.1)
    yield Result("the turn with one that hangs", "s", "its time limit", limits, tuple(turns[1:]), goal)


def _turn(*names: str) -> tuple[float, float]:
    """Return the seconds of a whole turn, and of the slowest steady tool in it."""

    async def measure() -> tuple[float, float]:
        calls = [ToolCall(f"call_{number}", name, "{}") for number, name in enumerate(names)]
        toolbox = Toolbox([steady, failing, hanging])
        began = time.perf_counter()
        results = await toolbox.run(calls, ToolContext(Attribution(Purpose.CHAT)))
        took = time.perf_counter() - began
        return took, max(result.seconds for result in results if result.status == "ok")

    return asyncio.run(measure())


def _one_by_one() -> float:
    async def measure() -> float:
        began = time.perf_counter()
        for _ in THREE:
            await steady.function()
        return time.perf_counter() - began

    return asyncio.run(measure())
