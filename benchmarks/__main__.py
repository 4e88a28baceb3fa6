"""Run the benchmarks: ``python -m benchmarks [ROW or NAME ...] [--rounds N]``.

Each module ``bench_*.py`` beside this file states its ``ROW`` of the promises, the ``PROMISE`` in
words, and ``run(rounds)``, which yields results. The exit code is 1 when a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from statistics import median
from types import ModuleType

from benchmarks.measure import Result, machine, spread

HERE = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Promises that are numbers, measured.")
    parser.add_argument("select", nargs="*", metavar="ROW|NAME", help="rows or names to run; all by default")
    parser.add_argument("--rounds", type=int, default=7, help="samples of each side, at least 5")
    options = parser.parse_args(arguments)
    if options.rounds < 5:
        parser.error("fewer than 5 rounds say nothing about the spread")
    modules = list(selected(options.select))
    if not modules:
        parser.error(f"no benchmark is called {' or '.join(options.select)}")

    print(machine(), flush=True)
    rows = []
    for module in modules:
        print(f"\nRow {module.ROW}: {module.PROMISE}", flush=True)
        for result in module.run(options.rounds):
            print(line(result), flush=True)
            rows.append({"row": module.ROW, "promise": module.PROMISE} | as_json(result))
    print(f"\nwritten to {write(rows)}")
    broken = [row["what"] for row in rows if not row["passed"]]
    print(f"not kept: {', '.join(broken)}" if broken else "every promise kept")
    return 1 if broken else 0


def selected(names: Sequence[str]) -> Iterator[ModuleType]:
    """Import the benchmarks that were asked for, in the order of their rows."""
    modules = [import_module(f"benchmarks.{path.stem}") for path in HERE.glob("bench_*.py")]
    for module in sorted(modules, key=lambda module: (module.ROW, module.__name__)):
        name = module.__name__.removeprefix("benchmarks.bench_")
        if not names or name in names or str(module.ROW) in names:
            yield module


def line(result: Result) -> str:
    """Return a result as one row of the table."""
    goal = result.goal
    promise = f"{goal.of} {goal.sense} {goal.limit:g}" if goal else "shown only"
    outcome = ("kept" if result.passed else "NOT KEPT") if goal else ""
    return (
        f"  {result.what:<34} {_figure(result.ours, result.unit)}"
        f"   {result.against:<30} {_figure(result.baseline, result.unit)}"
        f"   ratio {result.ratio:7.3f}   {promise:<16} {outcome}"
    ).rstrip()


def _figure(samples: Sequence[float], unit: str) -> str:
    return f"{median(samples):>10.4g} {unit:<5} ±{spread(samples):4.0%}"


def as_json(result: Result) -> dict[str, object]:
    """Return a result with everything that was derived from it."""
    derived = {"ratio": result.ratio, "passed": result.passed}
    medians = {"baseline_median": median(result.baseline), "ours_median": median(result.ours)}
    return asdict(result) | derived | medians


def write(rows: list[dict[str, object]]) -> Path:
    """Write the results of this run beside those of earlier ones."""
    at = datetime.now(UTC)
    file = HERE / "results" / f"{at:%Y%m%dT%H%M%SZ}.json"
    file.parent.mkdir(exist_ok=True)
    content = {"at": at.isoformat(timespec="seconds"), "machine": machine(), "results": rows}
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return file.relative_to(HERE.parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
