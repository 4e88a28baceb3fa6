"""Claims: found by a screen, checked by a model, kept as receipts."""

from __future__ import annotations

from functools import cache

from wompcore.claims.checker import ClaimCounts, FoundClaim
from wompcore.claims.screen import THRESHOLDS, Screen, Threshold, Verdict
from wompcore.claims.watcher import ClaimWatcher

__all__ = [
    "THRESHOLDS",
    "ClaimCounts",
    "ClaimWatcher",
    "FoundClaim",
    "Screen",
    "Threshold",
    "Verdict",
    "prefilter",
]


def prefilter(text: str, *, threshold: Threshold = "standard") -> Verdict:
    """Judge one message with the shipped screen; see :meth:`Screen.judge`."""
    return _shipped().judge(text, threshold=threshold)


@cache
def _shipped() -> Screen:
    return Screen.shipped()
