"""What the model says about a claim's time is believed only as far as it makes sense."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.claims.due import LATEST, due_date
from wompcore.claims.verify import ClaimAnswer

SAID = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("answer", "due"),
    [
        ("2027-03-31", date(2027, 3, 31)),
        (" 2027-02 ", date(2027, 2, 28)),
        ("2027", date(2027, 12, 31)),
        ("2026-11-23", SAID),
        ("2026-11", date(2026, 11, 30)),
        ("2026-11-22", None),
        ("2025", None),
        ("2127-01-01", None),
        ("2027-02-30", None),
        ("2027-13", None),
        ("0000", None),
        ("٢٠٢٧", None),
        ("march", None),
        ("2027-03-31T00:00", None),
        ("", None),
        (None, None),
    ],
)
def test_a_due_date_is_a_day_that_exists_and_comes(answer: str | None, due: date | None) -> None:
    assert due_date(answer, SAID) == due


@given(st.text(max_size=40) | st.from_regex(r"\d{4}(-\d\d(-\d\d)?)?", fullmatch=True), st.dates())
def test_whatever_is_answered_the_day_is_in_reach(answer: str, said_on: date) -> None:
    due = due_date(answer, said_on)
    assert due is None or said_on <= due <= date.max
    assert due is None or due - said_on <= LATEST


@given(st.dates(), st.integers(0, LATEST.days))
def test_every_day_in_reach_is_believed(said_on: date, days: int) -> None:
    due = said_on + min(timedelta(days=days), date.max - said_on)
    assert due_date(due.isoformat(), said_on) == due


@pytest.mark.parametrize(
    ("kind", "due"), [("prediction", SAID), ("guarantee", SAID), ("fact", None), ("opinion", None)]
)
def test_only_what_is_still_to_come_has_a_due_date(kind: str, due: date | None) -> None:
    answer = ClaimAnswer.model_validate(
        {
            "is_trackable": True,
            "claim_text": "t",
            "claim_type": kind,
            "confidence_level": "certain",
            "reasoning": "",
            "time_horizon": "today",
            "due_date": "2026-11-23",
        }
    )
    assert answer.due_on(SAID) == due
