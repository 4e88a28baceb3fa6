"""The breaker as a state machine."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from wompcore.llm.breaker import Breaker


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(breaker.admit(at), at)
    return breaker


def test_the_fifth_failure_in_a_minute_opens_it() -> None:
    breaker = Breaker()
    for second in range(4):
        breaker.failed(breaker.admit(second), second)
        assert breaker.state(second) == "closed"
    breaker.failed(breaker.admit(59), 59)
    assert breaker.state(59) == "open"
    assert breaker.wait_s(60) == 29


def test_failures_spread_over_more_than_a_minute_do_not() -> None:
    breaker = Breaker()
    for second in range(0, 200, 16):
        breaker.failed(breaker.admit(second), second)
    assert breaker.state(200) == "closed"


def test_after_its_time_one_probe_passes_and_the_others_wait() -> None:
    breaker = opened()
    assert breaker.wait_s(29.9) is not None
    assert breaker.wait_s(30) is None
    breaker.admit(30)
    assert breaker.wait_s(30) is not None


def test_a_good_probe_closes_it_and_forgets() -> None:
    breaker = opened()
    breaker.succeeded(breaker.admit(30))
    assert breaker.state(30) == "closed"
    breaker.failed(breaker.admit(31), 31)
    assert breaker.state(31) == "closed"


def test_a_bad_probe_opens_it_for_the_whole_time_again() -> None:
    breaker = opened()
    breaker.failed(breaker.admit(30), 35)
    assert breaker.wait_s(35) == 30


def test_an_abandoned_probe_lets_the_next_one_through() -> None:
    breaker = opened()
    breaker.abandoned(breaker.admit(30))
    assert breaker.wait_s(30) is None


def test_reports_from_before_it_opened_change_nothing() -> None:
    breaker = Breaker()
    old = breaker.admit(0)
    for _ in range(5):
        breaker.failed(breaker.admit(0), 0)
    breaker.succeeded(old)
    assert breaker.state(1) == "open"
    probe = breaker.admit(30)
    breaker.failed(old, 31)
    assert breaker.state(31) == "half_open"
    breaker.succeeded(probe)
    assert breaker.state(31) == "closed"


class BreakerMachine(RuleBasedStateMachine):
    """In whatever order things happen: nobody passes while it is open, one probe when it is half open."""

    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 0.0
        self.failures: list[float] = []
        self.probe: int | None = None

    @rule(seconds=st.integers(0, 40))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: self.breaker.wait_s(self.now) is None)
    @rule(target=permits)
    def send(self) -> int:
        assert self.breaker.state(self.now) != "open"
        half_open = self.breaker.state(self.now) == "half_open"
        if half_open:
            assert self.probe is None, "two probes at once"
        permit = self.breaker.admit(self.now)
        if half_open:
            self.probe = permit
        return permit

    @rule(seconds=st.integers(0, 30))
    def hear_that_it_is_open(self, seconds: int) -> None:
        before = self.breaker.wait_s(self.now) if self.breaker.state(self.now) == "open" else 0.0
        self.breaker.trip(self.now, seconds)
        assert self.breaker.state(self.now) != "closed"
        if self.breaker.state(self.now) == "open":
            self.probe = None if seconds > (before or 0.0) else self.probe
            assert self.breaker.wait_s(self.now) == max(seconds, before or 0.0)
        elif self.probe is not None and not self.breaker.counts(self.probe):
            self.probe = None

    @rule()
    def hear_that_it_is_closed(self) -> None:
        if self.breaker.state(self.now) != "closed":
            self.breaker.reset()
            self.probe = None
        assert self.breaker.wait_s(self.now) is None

    @rule(permit=consumes(permits), outcome=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def report(self, permit: int, outcome: str) -> None:
        before = self.breaker.state(self.now)
        if outcome == "failed":
            self.failures.append(self.now)
            self.breaker.failed(permit, self.now)
        else:
            getattr(self.breaker, outcome)(permit)
        if permit == self.probe:
            self.probe = None
            expected = {"succeeded": "closed", "failed": "open", "abandoned": "half_open"}[outcome]
            assert self.breaker.state(self.now) == expected
        elif before == "closed" and self.breaker.state(self.now) == "open":
            assert len([at for at in self.failures if self.now - at <= 60]) >= 5
        elif before != "closed":
            assert self.breaker.state(self.now) == before

    @invariant()
    def waiting_is_never_longer_than_being_open(self) -> None:
        wait_s = self.breaker.wait_s(self.now)
        assert wait_s is None or 0 < wait_s <= 30


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
