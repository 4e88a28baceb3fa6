"""May we keep what this person writes? Answered in memory, true in every process."""

from wompcore.consent.gate import MESSAGES, POLICY, Gate

__all__ = ["MESSAGES", "POLICY", "Gate"]
