"""The one retry loop."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from wompcore.errors import ModelError
from wompcore.llm.deadline import Deadline

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 8.0
LONGEST_RETRY_AFTER_S = 20.0
"""Source: spec 03, section 3."""


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Read a ``Retry-After`` header, RFC 9110 section 10.2.3.

    Args:
        value: Seconds or an HTTP date; ``None`` when there was no such header.
        now: The aware time to measure a date from.

    Returns:
        Seconds from 0 on, or ``None`` when the header says nothing readable.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else None


def wait_before_retry(attempt: int, asked_s: float | None, chance: float) -> float:
    """Return how long to wait after a failed attempt.

    Full jitter: anything up to a limit that doubles, so that callers that failed together do not
    return together. Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        attempt: The attempt that failed, from 1.
        asked_s: Seconds the endpoint asked for; obeyed up to a cap.
        chance: A random number in [0, 1).
    """
    jitter_s = chance * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempt - 1))
    return max(jitter_s, min(asked_s or 0.0, LONGEST_RETRY_AFTER_S))


class Retry:
    """Tries again while that can help and there is time.

    Args:
        attempts: Tries at most.
        sleep: Waits.
        chance: Gives random numbers in [0, 1).
    """

    def __init__(
        self,
        attempts: int,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._attempts = attempts
        self._sleep = sleep
        self._chance = chance

    async def run(self, attempt: Callable[[], Awaitable[T]], deadline: Deadline) -> tuple[T, int]:
        """Return the first result and the number of attempts it took.

        Args:
            attempt: Tries once, the same way each time.
            deadline: The moment after which no attempt begins.

        Raises:
            ModelError: The last attempt's error, with ``attempts`` filled in.
        """
        number = 0
        while True:
            number += 1
            try:
                return await attempt(), number
            except ModelError as error:
                error.attempts = number
                wait_s = wait_before_retry(number, error.retry_after_s, self._chance())
                # A limit that outlasts the deadline is not worth the shorter wait that the cap allows.
                until_s = max(wait_s, (error.retry_after_s or 0.0) if error.status == 429 else 0.0)
                in_time = until_s < deadline.left_s()
                if not error.retryable or number >= self._attempts or not in_time:
                    raise
                log.info("attempt %d failed, next in %.1f s: %s", number, wait_s, error)
            await self._sleep(wait_s)
