"""The one retry loop: when it tries again, and when it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.errors import ModelError, ModelUnavailable
from wompcore.llm.deadline import Deadline
from wompcore.llm.retry import Retry, retry_after_s, wait_before_retry

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


class Endpoint:
    """Fails as often as told; time passes only while waiting."""

    def __init__(self, *errors: ModelError, chance: float = 0.5, attempts: int = 3) -> None:
        self.now = 0.0
        self.sent: list[float] = []
        self._errors = list(errors)
        self.retry = Retry(attempts, sleep=self._sleep, chance=lambda: chance)

    async def attempt(self) -> str:
        self.sent.append(self.now)
        if self._errors:
            raise self._errors.pop(0)
        return "answer"

    def within(self, seconds: float) -> Deadline:
        return Deadline(seconds, lambda: self.now)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds


def down(retry_after: float | None = None) -> ModelError:
    return ModelUnavailable(retryable=True, retry_after_s=retry_after)


async def test_it_tries_again_until_it_succeeds() -> None:
    endpoint = Endpoint(down(), down())
    assert await endpoint.retry.run(endpoint.attempt, endpoint.within(60)) == ("answer", 3)
    assert endpoint.sent == [0, 0.5, 1.5]


async def test_it_gives_up_after_its_attempts_and_says_how_many() -> None:
    endpoint = Endpoint(*(down() for _ in range(9)))
    with pytest.raises(ModelUnavailable) as caught:
        await endpoint.retry.run(endpoint.attempt, endpoint.within(60))
    assert caught.value.attempts == len(endpoint.sent) == 3


async def test_what_cannot_get_better_is_not_tried_again() -> None:
    endpoint = Endpoint(ModelError(retryable=False))
    with pytest.raises(ModelError):
        await endpoint.retry.run(endpoint.attempt, endpoint.within(60))
    assert len(endpoint.sent) == 1


async def test_it_waits_as_long_as_it_is_asked_to() -> None:
    endpoint = Endpoint(down(retry_after=7), down(retry_after=100))
    await endpoint.retry.run(endpoint.attempt, endpoint.within(60))
    assert endpoint.sent == [0, 7, 27]


@given(
    errors=st.lists(st.none() | st.floats(0, 100), max_size=10),
    deadline=st.floats(0.1, 90),
    chance=st.floats(0, 0.999),
    attempts=st.integers(1, 10),
)
async def test_no_attempt_begins_after_the_deadline(
    errors: list[float | None], deadline: float, chance: float, attempts: int
) -> None:
    endpoint = Endpoint(*(down(wait) for wait in errors), chance=chance, attempts=attempts)
    try:
        await endpoint.retry.run(endpoint.attempt, endpoint.within(deadline))
    except ModelUnavailable:
        assert len(errors) >= len(endpoint.sent)
    assert 1 <= len(endpoint.sent) <= attempts
    assert all(at < deadline for at in endpoint.sent)
    assert endpoint.now < deadline


@given(attempt=st.integers(1, 10), asked=st.none() | st.floats(0, 1e6), chance=st.floats(0, 0.999))
def test_a_wait_is_bounded_and_obeys_the_endpoint(attempt: int, asked: float | None, chance: float) -> None:
    wait = wait_before_retry(attempt, asked, chance)
    assert min(asked or 0, 20) <= wait <= 20


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    assert retry_after_s("12", NOW) == 12
    assert retry_after_s("0.5", NOW) == 0.5
    assert retry_after_s(format_datetime(NOW + timedelta(seconds=9), usegmt=True), NOW) == 9
    assert retry_after_s(format_datetime(NOW - timedelta(hours=1), usegmt=True), NOW) == 0


@pytest.mark.parametrize("value", [None, "", "soon", "nan", "inf", "12 parsecs"])
def test_an_unreadable_retry_after_says_nothing(value: str | None) -> None:
    assert retry_after_s(value, NOW) is None


@given(st.text())
def test_no_retry_after_breaks_the_reader(value: str) -> None:
    wait = retry_after_s(value, NOW)
    assert wait is None or wait >= 0
