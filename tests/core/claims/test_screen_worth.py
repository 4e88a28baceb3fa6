"""What the shipped screen is worth on labelled text, rows that it was fitted on left out.

`benchmarks/bench_claim_filter.py` holds it to the whole promise; here stand bounds that no change may break.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wompcore.claims import THRESHOLDS, Screen
from wompcore.claims.train.card import is_hedged
from wompcore.claims.train.measure import Judged, figures, macro, ranking
from wompcore.claims.train.rows import rows

BESIDE = Path(__file__).parents[4] / "shared/data/claims"
DATA = Path(os.environ.get("WOMPBOT_CLAIM_DATA", BESIDE))


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    if not (DATA / "nps_chat.jsonl").exists():
        pytest.skip(f"no labelled sets in {DATA} (WOMPBOT_CLAIM_DATA names another folder)")
    screen = Screen.shipped()
    return [(row, screen.judge(row.text).score) for row in rows(DATA) if row.part != "fit"]


def test_standard_is_cheap_and_finds_most(judged: list[Judged]) -> None:
    worth = figures(judged, THRESHOLDS["standard"], is_hedged)
    assert macro(worth.calls) <= 12
    assert max(worth.calls.values()) <= 25
    assert macro(worth.recall) >= 0.60
    assert macro(worth.precision) >= 0.60
    assert worth.tweets <= 100
    assert worth.questions <= 2
    assert worth.hedged <= 10


def test_thorough_finds_four_in_five(judged: list[Judged]) -> None:
    worth = figures(judged, THRESHOLDS["thorough"], is_hedged)
    assert macro(worth.calls) <= 50
    assert macro(worth.recall) >= 0.80


def test_claims_are_ranked_before_the_rest_within_a_set(judged: list[Judged]) -> None:
    assert macro(ranking(judged)) >= 0.70
