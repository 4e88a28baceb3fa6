"""Predictions and guarantees of casual chat, which no public set labels: lines of our own.

The cues were written with the first, third, fifth ... line of each file in sight; the others are unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from wompcore.claims import Screen

LINES = Path(__file__).parent / "lines"
SCREEN = Screen.shipped()


def lines(name: str) -> list[str]:
    rows = (LINES / name).read_text(encoding="utf-8").splitlines()
    return [text for _, _, text in (row.partition("\t") for row in rows)]


CLAIMS = lines("casual_claims.txt")
NEAR_MISSES = lines("casual_near_misses.txt")


def test_there_are_enough_lines_and_half_are_near_misses() -> None:
    assert len({*CLAIMS, *NEAR_MISSES}) == len(CLAIMS) + len(NEAR_MISSES) >= 300
    assert len(NEAR_MISSES) >= len(CLAIMS)


@pytest.mark.parametrize("part", [slice(0, None, 2), slice(1, None, 2)], ids=["seen", "unseen"])
def test_four_in_five_are_found_and_four_in_five_fires_are_right(part: slice) -> None:
    found = fires(CLAIMS[part])
    wrong = fires(NEAR_MISSES[part])
    assert found >= 0.8 * len(CLAIMS[part])
    assert found >= 0.8 * (found + wrong)


def fires(texts: Sequence[str]) -> int:
    return sum(SCREEN.judge(text).fires for text in texts)


def plain(name: str) -> list[str]:
    return (LINES / name).read_text(encoding="utf-8").splitlines()


def test_at_most_ten_of_500_lines_of_small_talk_fire() -> None:
    small_talk = plain("small_talk.txt")
    assert len(set(small_talk)) == 500
    assert fires(small_talk) <= 10


def test_at_least_forty_of_fifty_real_claims_fire() -> None:
    claims = plain("real_claims.txt")
    assert len(set(claims)) == 50
    assert fires(claims) >= 40
