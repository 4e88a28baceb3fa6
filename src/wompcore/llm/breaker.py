"""Leaves a failing endpoint alone for a while. A pure state machine: the caller brings the time.

Source of the defaults: spec 01, P13.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]


class Breaker:
    """Opens after too many failures, then lets one probe through at a time.

    Whoever was let through reports back with the permit it was given. A report from before the
    last change of state says nothing about the present one and is ignored.

    Args:
        failures: This many failures open it ...
        window_s: ... when they fall within these seconds.
        open_s: Seconds it lets nobody through.
    """

    def __init__(self, failures: int = 5, window_s: float = 60.0, open_s: float = 30.0) -> None:
        self.failures = failures
        self.window_s = window_s
        self.open_s = open_s
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self.probing = False
        """Whether the one request that it lets through is on its way."""
        self._permit = 0

    def state(self, now: float) -> BreakerState:
        """Return the state at ``now``, monotonic seconds."""
        if self._opened_at is None:
            return "closed"
        return "open" if now < self._opened_at + self.open_s else "half_open"

    def wait_s(self, now: float) -> float | None:
        """Return ``None`` when a request may go out, else seconds until it is worth asking again."""
        if self._opened_at is None:
            return None
        left_s = self._opened_at + self.open_s - now
        if left_s > 0:
            return left_s
        return self.open_s if self.probing else None

    def admit(self, now: float) -> int:
        """Let one request through and return its permit; ask :meth:`wait_s` first."""
        if self.state(now) == "half_open":
            self.probing = True
            self._permit += 1
        return self._permit

    def counts(self, permit: int) -> bool:
        """Return whether a report with this permit still says something."""
        return permit == self._permit

    def succeeded(self, permit: int) -> None:
        """The endpoint answered: a probe's success closes the breaker."""
        if permit == self._permit and self.probing:
            self.reset()

    def failed(self, permit: int, now: float) -> None:
        """The endpoint did not answer: a probe's failure opens the breaker again."""
        if permit != self._permit:
            return
        self._failed_at.append(now)
        full = len(self._failed_at) == self.failures and now - self._failed_at[0] <= self.window_s
        if self.probing or full:
            self._opened_at = now
            self.probing = False
            self._permit += 1

    def trip(self, now: float, open_s: float) -> None:
        """Another process opened it: stay open for ``open_s`` more seconds, 0 for until a probe."""
        opened_at = now + open_s - self.open_s
        if self._opened_at is None or opened_at > self._opened_at:
            self._opened_at = opened_at
            self.probing = False
            self._permit += 1

    def reset(self) -> None:
        """Another process closed it."""
        if self._opened_at is not None:
            self._opened_at = None
            self.probing = False
            self._permit += 1
            self._failed_at.clear()

    def abandoned(self, permit: int) -> None:
        """The request was given up before the endpoint could show anything: no verdict."""
        if permit == self._permit:
            self.probing = False
