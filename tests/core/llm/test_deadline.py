"""Limits that share a timer."""

from __future__ import annotations

import asyncio
import time

import pytest

from wompcore.llm.deadline import EXACT_BELOW_S, TICK_S, Alarms


async def limited(alarms: Alarms, within_s: float, work_s: float) -> float:
    """Work under a limit, and return how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(None) as limit:
        tick = alarms.set(limit, within_s)
        try:
            await asyncio.sleep(work_s)
        finally:
            alarms.clear(limit, tick)
    return time.monotonic() - began


@pytest.mark.parametrize("within_s", [0.0, 0.05, EXACT_BELOW_S + 0.1])
async def test_what_is_late_is_ended_and_never_too_early(within_s: float) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await limited(Alarms(), within_s, work_s=10)
    assert time.monotonic() - began >= within_s


async def test_what_is_in_time_is_left_alone_and_leaves_nothing() -> None:
    alarms = Alarms()
    await asyncio.gather(*(limited(alarms, 60 + n / 100, 0) for n in range(100)))
    assert not alarms._ticks
    await asyncio.sleep(2 * TICK_S)
    assert alarms._next is None  # no timer goes on for nobody


async def test_a_caller_that_is_cancelled_is_not_told_that_it_was_late() -> None:
    task = asyncio.create_task(limited(Alarms(), 30, 10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_new_limits_are_kept_after_a_time_without_any() -> None:
    alarms = Alarms()
    await limited(alarms, 30, 0)
    await asyncio.sleep(2 * TICK_S)
    with pytest.raises(TimeoutError):
        await limited(alarms, EXACT_BELOW_S, work_s=10)


async def test_each_of_many_has_its_own_time() -> None:
    alarms = Alarms()
    late = [n % 3 == 0 for n in range(90)]
    works = [limited(alarms, EXACT_BELOW_S + n / 300, 10 if late[n] else 0.01) for n in range(90)]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert [isinstance(outcome, TimeoutError) for outcome in outcomes] == late
