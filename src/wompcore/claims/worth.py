"""What the filter is worth in a server: recall and precision, with intervals. Pure.

Every message that fires is checked while checks are free; of the others, each is checked with a
known probability, its share. So an explored claim stands for 1 / share missed ones, which makes their
sum an unbiased estimate of all that were missed (Horvitz and Thompson, "A generalization of sampling
without replacement from a finite universe", JASA 47, 1952).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wompcore.repos.lessons import Tally

CONFIDENCE: Final = 0.95
"""How often an interval holds the truth, at least."""

_STEPS: Final = 50
_NEGLIGIBLE: Final = 1e-18


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share, and where it is to be expected.

    Args:
        value: The estimate, 0 to 1.
        low: Lower end of the interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What the filter is worth, as the model judges.

    It speaks of messages that could be checked: their author was not checked a moment ago, and the server's
    day had room.

    Args:
        tally: What was counted.
        precision: Of what fires, how much is a claim; ``None`` before anything fired.
        recall: Of the claims, how many fire; ``None`` before any was found or nothing was explored.
    """

    tally: Tally
    precision: Estimate | None
    recall: Estimate | None


def worth(tally: Tally) -> Worth:
    """Return what a guild's lessons tell about its filter."""
    precision = Estimate(tally.hits / tally.fired, *exact(tally.hits, tally.fired)) if tally.fired else None
    return Worth(tally, precision, _recall(tally))


def _recall(tally: Tally) -> Estimate | None:
    """Hits and explored misses are two Poisson counts; given their sum, the hits are binomial.

    The interval of that binomial share is turned into one of the recall (Przyborowski and Wilenski,
    "Homogeneity of results in testing samples from Poisson series", Biometrika 31, 1940). Exact while the
    share is the same for all; when it was changed, with the shares' harmonic mean.
    """
    hits, misses = tally.comparable_hits, tally.misses
    if not (tally.explored and hits + misses):
        return None
    share = misses / tally.missed if misses else tally.explored / tally.stood_for
    low, high = (share * end / (1 - end + share * end) for end in exact(hits, hits + misses))
    return Estimate(hits / (hits + tally.missed), low, high)


def exact(hits: int, tries: int) -> tuple[float, float]:
    """Return the interval of a share, never too narrow.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934).

    Args:
        hits: How often it happened.
        tries: Of how many times.
    """
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if hits == 0 else _where(lambda share: 1 - _at_most(hits - 1, tries, share) > tail)
    high = 1.0 if hits == tries else _where(lambda share: _at_most(hits, tries, share) <= tail)
    return low, high


def _where(holds: Callable[[float], bool]) -> float:
    """Return the share from which on something holds."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _at_most(hits: int, tries: int, share: float) -> float:
    """Return the probability of at most so many hits; terms too small to matter end the sum."""
    if hits > tries * share:  # the other tail is the shorter one, and its first term the largest
        return 1 - _at_most(tries - hits - 1, tries, 1 - share)
    odds = (1 - share) / share
    term = math.exp(
        math.lgamma(tries + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(tries - hits + 1)
        + hits * math.log(share)
        + (tries - hits) * math.log1p(-share)
    )
    total = 0.0
    for count in range(hits, -1, -1):
        total += term
        term *= odds * count / (tries - count + 1)
        if term < _NEGLIGIBLE:
            break
    return min(1.0, total)
