"""What people said and is kept: claims as receipts, hot takes, quotes."""

from __future__ import annotations

from functools import cache

from wompcore.claims.check import ClaimCounts
from wompcore.claims.checker import FoundClaim
from wompcore.claims.heat import Heat, heat_of
from wompcore.claims.hot_takes import FIRE, HotTakes
from wompcore.claims.quotes import MODES, Mode, Quotes
from wompcore.claims.rating import Rater
from wompcore.claims.screen import THRESHOLDS, Screen, Threshold, Verdict
from wompcore.claims.watcher import ClaimWatcher

__all__ = [
    "FIRE",
    "MODES",
    "THRESHOLDS",
    "ClaimCounts",
    "ClaimWatcher",
    "FoundClaim",
    "Heat",
    "HotTakes",
    "Mode",
    "Quotes",
    "Rater",
    "Screen",
    "Threshold",
    "Verdict",
    "heat_of",
    "prefilter",
]


def prefilter(text: str, *, threshold: Threshold = "standard") -> Verdict:
    """Judge one message with the shipped screen; see :meth:`Screen.judge`."""
    return _shipped().judge(text, threshold=threshold)


@cache
def _shipped() -> Screen:
    return Screen.shipped()
