"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found.

    Args:
        subject: What was looked at.
        good: Whether it is as it should be.
        detail: What was found, in one line.
        hint: What to do about it, when it is not good.
    """

    subject: str
    good: bool
    detail: str
    hint: str = ""
