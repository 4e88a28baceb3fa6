"""Benchmarks state their promise, are listed, and judge as they say."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.measure import Goal, Result, alternate, spread

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in ROOT.glob("benchmarks/bench_*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_states_its_promise_and_is_listed(name: str) -> None:
    module = import_module(f"benchmarks.{name}")
    assert module.ROW in range(1, 17)
    assert module.PROMISE
    assert callable(module.run)
    assert "Not covered" in module.__doc__
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| {module.ROW} \|.*`{name}\.py`", page, flags=re.MULTILINE)


def test_both_sides_are_sampled_in_turn_after_a_warm_up() -> None:
    calls: list[str] = []

    def side(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    theirs, ours = alternate(lambda: side("theirs"), lambda: side("ours"), rounds=2)
    assert calls == ["theirs", "ours", "theirs", "ours", "ours", "theirs"]
    assert (theirs, ours) == ((3.0, 6.0), (4.0, 5.0))


@pytest.mark.parametrize(
    ("goal", "kept"),
    [
        (None, True),
        (Goal("ratio", "<=", 2.0), True),
        (Goal("ratio", "<=", 1.9), False),
        (Goal("ours", ">=", 20.0), True),
        (Goal("ours", ">=", 21.0), False),
    ],
)
def test_a_promise_is_judged_by_medians(goal: Goal | None, kept: bool) -> None:
    result = Result("ours", "us", "theirs", (9.0, 10.0, 50.0), (19.0, 20.0, 21.0), goal)
    assert result.ratio == 2.0
    assert result.passed is kept


def test_spread_is_the_quartiles_distance_as_a_part_of_the_median() -> None:
    assert spread([10.0, 10.0, 10.0]) == 0.0
    assert spread([8.0, 10.0, 12.0]) == pytest.approx(0.4)
