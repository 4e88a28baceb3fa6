"""Recall and precision are estimated without bias, with intervals that hold the truth often enough."""

from __future__ import annotations

import math
import random
from statistics import fmean, stdev

import pytest

from wompcore.claims.worth import CONFIDENCE, exact, worth
from wompcore.repos.lessons import Tally


def drawn(chance: random.Random, said: int, hits: float, wrong: float, missed: float, share: float) -> Tally:
    """Draw what a server's lessons would count: rates per message of each kind, and the share explored."""
    kinds = chance.choices(
        ("hit", "wrong", "missed", "rest"), (hits, wrong, missed, 1 - hits - wrong - missed), k=said
    )
    found = {kind: kinds.count(kind) for kind in ("hit", "wrong", "missed", "rest")}
    misses = sum(chance.random() < share for _ in range(found["missed"]))
    others = sum(chance.random() < share for _ in range(found["rest"]))
    return Tally(
        fired=found["hit"] + found["wrong"],
        hits=found["hit"],
        comparable_hits=found["hit"],
        explored=misses + others,
        misses=misses,
        stood_for=(misses + others) / share,
        missed=misses / share,
    )


@pytest.mark.parametrize(
    ("hits", "wrong", "missed", "share"),
    [(0.05, 0.03, 0.05, 0.1), (0.05, 0.05, 0.01, 0.1), (0.02, 0.01, 0.06, 0.05)],
)
def test_the_intervals_hold_the_truth_as_often_as_they_say(
    hits: float, wrong: float, missed: float, share: float
) -> None:
    chance = random.Random(20261123)
    recall, precision = hits / (hits + missed), hits / (hits + wrong)
    tallies = [drawn(chance, 1500, hits, wrong, missed, share) for _ in range(400)]
    held = {"recall": 0, "precision": 0}
    for tally in tallies:
        found = worth(tally)
        assert found.recall
        assert found.precision
        held["recall"] += found.recall.low <= recall <= found.recall.high
        held["precision"] += found.precision.low <= precision <= found.precision.high
    slack = 2 * math.sqrt(CONFIDENCE * (1 - CONFIDENCE) / len(tallies))  # of counting 400 draws
    assert held["recall"] >= (CONFIDENCE - slack) * len(tallies)
    assert held["precision"] >= (CONFIDENCE - slack) * len(tallies)


def test_the_number_of_missed_claims_is_estimated_without_bias() -> None:
    chance = random.Random(7)
    estimates = [drawn(chance, 1000, 0.02, 0.01, 0.05, 0.1).missed for _ in range(400)]
    assert abs(fmean(estimates) - 50) < 3 * stdev(estimates) / math.sqrt(len(estimates))


def test_a_narrower_look_gives_a_wider_interval() -> None:
    few = worth(Tally(100, 60, 60, 50, 2, 50 / 0.1, 2 / 0.1)).recall
    many = worth(Tally(1000, 600, 600, 500, 20, 500 / 0.1, 20 / 0.1)).recall
    assert few
    assert many
    assert few.value == pytest.approx(many.value) == pytest.approx(60 / 80)
    assert few.low < many.low < 0.75 < many.high < few.high


def test_nothing_is_claimed_before_anything_was_found() -> None:
    nothing = worth(Tally(0, 0, 0, 0, 0, 0, 0))
    assert (nothing.precision, nothing.recall) == (None, None)
    assert worth(Tally(9, 5, 5, 0, 0, 0, 0)).recall is None
    assert worth(Tally(9, 0, 0, 40, 0, 8000, 0)).recall is None


def test_no_miss_among_few_explored_says_little() -> None:
    found = worth(Tally(20, 12, 12, 30, 0, 30 / 0.005, 0)).recall
    assert found
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.1


# Source of the figures: Clopper and Pearson's intervals as scipy.stats.beta.ppf gives them.
@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [
        (0, 10, 0.0, 0.308497),
        (10, 10, 0.691503, 1.0),
        (3, 10, 0.066739, 0.652453),
        (50, 100, 0.398321, 0.601679),
        (1, 1000, 0.0000253, 0.0055589),
    ],
)
def test_the_interval_of_a_share_is_the_exact_one(hits: int, tries: int, low: float, high: float) -> None:
    assert exact(hits, tries) == pytest.approx((low, high), abs=1e-6)


def test_large_counts_have_an_interval_too() -> None:
    low, high = exact(60_000, 100_000)
    assert low == pytest.approx(0.597, abs=1e-3)
    assert high == pytest.approx(0.603, abs=1e-3)
