from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.errors import CoolingDown
from wompcore.limits import Cooldown

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_first_is_ready_and_the_next_must_wait() -> None:
    cooldown = Cooldown(300)
    assert cooldown.ready(1, NOON)
    assert not cooldown.ready(1, after(299))
    assert cooldown.remaining_s(1, after(100)) == 200
    assert cooldown.ready(1, after(300))


def test_people_do_not_hold_each_other_back() -> None:
    cooldown = Cooldown(300)
    assert cooldown.ready(1, NOON)
    assert cooldown.ready(2, NOON)


def test_a_refusal_does_not_prolong_the_wait() -> None:
    cooldown = Cooldown(10)
    assert [cooldown.ready(1, after(second)) for second in (0, 5, 9, 10)] == [True, False, False, True]


def test_check_raises_with_the_seconds_left() -> None:
    cooldown = Cooldown(3)
    cooldown.check(1, NOON)
    with pytest.raises(CoolingDown) as refused:
        cooldown.check(1, after(1))
    assert refused.value.retry_after_s == 2


def test_a_message_from_long_before_is_not_held_back_by_a_later_one() -> None:
    cooldown = Cooldown(300)
    assert cooldown.ready(1, NOON)
    assert not cooldown.ready(1, after(-1))
    assert cooldown.ready(1, after(-86_400))


def test_zero_seconds_switch_it_off() -> None:
    cooldown = Cooldown(0)
    assert all(cooldown.ready(1, NOON) for _ in range(3))


def test_expired_keys_cost_no_memory() -> None:
    cooldown = Cooldown(10)
    for second in range(1000):
        cooldown.ready(second, after(second))
    assert len(cooldown._last) == 10


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    cooldown = Cooldown(300, max_keys=3)
    for person in range(4):
        assert cooldown.ready(person, after(person))
    assert len(cooldown._last) == 3
    assert not cooldown.ready(3, after(4))
    assert cooldown.ready(0, after(4))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50)), max_size=60))
def test_two_events_of_one_key_are_never_closer_than_the_span(steps: list[tuple[int, int]]) -> None:
    cooldown = Cooldown(60)
    second, taken = 0, dict[int, int]()
    for person, step in steps:
        second += step
        ready = cooldown.ready(person, after(second))
        assert ready == (second - taken.get(person, -60) >= 60)
        if ready:
            taken[person] = second
