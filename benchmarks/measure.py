"""How a benchmark measures: baseline and ours in turn, medians and spread, one goal per result."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median, quantiles
from typing import Literal

PACKAGES = ("wompcore", "discord.py", "psycopg", "aiohttp", "aiocache", "pydantic")


@dataclass(frozen=True, slots=True)
class Goal:
    """What was promised.

    Args:
        of: ``ratio``: ours divided by the baseline; ``ours``: the figure itself.
        sense: Which side of the limit is good.
        limit: A factor, or a figure in the result's unit.
    """

    of: Literal["ratio", "ours"]
    sense: Literal["<=", ">="]
    limit: float

    def holds(self, figure: float) -> bool:
        """Return whether a measured figure keeps the promise."""
        return figure <= self.limit if self.sense == "<=" else figure >= self.limit


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison.

    Args:
        what: What was measured, in a few words.
        unit: Of every sample.
        against: What the baseline is.
        baseline: The baseline's samples, one per round.
        ours: Our samples, one per round.
        goal: The promise; ``None`` for a figure that is only shown.
    """

    what: str
    unit: str
    against: str
    baseline: tuple[float, ...]
    ours: tuple[float, ...]
    goal: Goal | None

    @property
    def ratio(self) -> float:
        """Median of ours over median of the baseline."""
        return median(self.ours) / median(self.baseline)

    @property
    def passed(self) -> bool:
        """Whether the promise is kept; a figure that is only shown breaks none."""
        if self.goal is None:
            return True
        return self.goal.holds(self.ratio if self.goal.of == "ratio" else median(self.ours))


def alternate(
    baseline: Callable[[], float], ours: Callable[[], float], rounds: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Sample both in turn, after one warm-up each; who goes first changes every round.

    Args:
        baseline: Measures the baseline once and returns the figure.
        ours: The same for ours.
        rounds: Samples of each.
    """
    baseline()
    ours()
    samples: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            samples[side].append((baseline, ours)[side]())
    return tuple(samples[0]), tuple(samples[1])


def spread(samples: Iterable[float]) -> float:
    """Return the distance between the quartiles, as a part of the median."""
    low, middle, high = quantiles(samples, n=4)
    return (high - low) / middle if middle else 0.0


def machine() -> str:
    """Return the line that every result is to be read with."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join([f"{cores} cores", f"{platform.system()} {platform.machine()}", python, *_versions()])


def _versions() -> Iterable[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
