"""Numbers reach whoever listens, and cost nothing when nobody does."""

from __future__ import annotations

import pytest

from wompcore.observe import SILENT, span
from wompcore.observe.prometheus import PrometheusMeter


@pytest.fixture
def meter() -> PrometheusMeter:
    return PrometheusMeter()


def page(meter: PrometheusMeter) -> list[str]:
    return meter.page().decode().splitlines()


def test_a_counter_grows_by_its_labels(meter: PrometheusMeter) -> None:
    meter.count("llm_calls", {"model": "a"})
    meter.count("llm_calls", {"model": "a"}, 2)
    meter.count("llm_calls", {"model": "b"})
    assert 'womp_llm_calls_total{model="a"} 3.0' in page(meter)
    assert 'womp_llm_calls_total{model="b"} 1.0' in page(meter)


def test_a_span_is_measured_even_when_it_fails(meter: PrometheusMeter) -> None:
    with pytest.raises(KeyError), span(meter, "seconds", {"stage": "x"}):
        raise KeyError
    assert 'womp_seconds_count{stage="x"} 1.0' in page(meter)


def test_what_is_watched_is_read_when_somebody_looks(meter: PrometheusMeter) -> None:
    values = {"a": 1.0}
    meter.watch("breaker", lambda: [({"model": name}, value) for name, value in values.items()])
    values.update(a=2.0, b=0.0)
    assert 'womp_breaker{model="a"} 2.0' in page(meter)
    assert 'womp_breaker{model="b"} 0.0' in page(meter)


def test_what_is_watched_in_two_places_is_one_number(meter: PrometheusMeter) -> None:
    for value in (2.0, 3.0):
        meter.watch("requests", lambda value=value: [({"origin": "a"}, value)])
        end = meter.watch("state", lambda value=value: [({"model": "a"}, value)], max)
    assert [line for line in page(meter) if line.startswith("womp_")] == [
        'womp_requests{origin="a"} 5.0',
        'womp_state{model="a"} 3.0',
    ]
    end()
    assert 'womp_state{model="a"} 2.0' in page(meter)


def test_two_meters_never_clash(meter: PrometheusMeter) -> None:
    other = PrometheusMeter()
    for each in (meter, other):
        each.count("calls", {})
    assert "womp_calls_total 1.0" in page(other)


def test_nobody_listens_by_default() -> None:
    SILENT.count("calls", {})
    SILENT.watch("breaker", lambda: [({}, 1 / 0)])
    with span(SILENT, "seconds", {}):
        SILENT.observe("seconds", {}, 1.0)
