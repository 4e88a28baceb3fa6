"""Claims: found by a screen, checked by a model, kept as receipts."""

from __future__ import annotations

from functools import cache

from wompcore.claims.screen import THRESHOLDS, Screen, Threshold, Verdict

__all__ = ["THRESHOLDS", "Screen", "Threshold", "Verdict", "prefilter"]


def prefilter(text: str, *, threshold: Threshold = "standard") -> Verdict:
    """Judge one message with the shipped screen; see :meth:`Screen.judge`."""
    return _shipped().judge(text, threshold=threshold)


@cache
def _shipped() -> Screen:
    return Screen.shipped()
