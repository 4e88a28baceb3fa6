"""Learning from verdicts: bounded, and live only when it is no worse than what is shipped."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from wompcore.claims.delta import FEATURE_LIMIT
from wompcore.claims.learner import LEAST_LESSONS, WEIGHTS_KEPT, learn, replayed
from wompcore.claims.screen import THRESHOLDS
from wompcore.repos.lessons import Lesson

KNOWN = range(1000)

LESSON = st.builds(
    Lesson,
    features=st.lists(st.integers(0, 1500), max_size=8, unique=True).map(tuple),
    score=st.floats(0, 1),
    fired=st.booleans(),
    share=st.sampled_from([0.0, 0.005, 0.1, 1.0]),
    is_claim=st.booleans(),
)


def server(seed: int, *, telling: int = 7, misleading: int = 8, count: int = 400) -> list[Lesson]:
    """A server where one word marks claims and another one marks none, unlike what is shipped."""
    chance = random.Random(seed)
    lessons = []
    for _ in range(count):
        is_claim = chance.random() < 0.5
        own = telling if is_claim else misleading
        words = {own, *chance.sample(range(20, 300), 5)} if chance.random() < 0.9 else {1, 2}
        lessons.append(Lesson(tuple(sorted(words)), chance.uniform(0.32, 0.5), True, 0.005, is_claim))
    return lessons


def test_what_tells_in_a_server_is_learned() -> None:
    lessons = server(1)
    weights = learn(lessons, KNOWN)
    assert weights[7] > 0.2
    assert weights[8] < -0.2
    least = THRESHOLDS["standard"]
    assert replayed(lessons, weights, least) > replayed(lessons, {}, least) + 0.1


@settings(max_examples=25)
@given(st.lists(LESSON, min_size=LEAST_LESSONS, max_size=80))
def test_what_is_learned_is_bounded_known_and_never_worse_on_the_lessons(lessons: list[Lesson]) -> None:
    weights = learn(lessons, KNOWN)
    assert len(weights) <= WEIGHTS_KEPT
    assert all(abs(weight) <= FEATURE_LIMIT for weight in weights.values())
    assert all(feature in KNOWN for feature in weights)
    for least in THRESHOLDS.values():
        assert replayed(lessons, weights, least) >= replayed(lessons, {}, least)


def test_noise_is_dropped() -> None:
    live = 0
    for seed in range(20):
        chance = random.Random(seed)
        noise = [
            Lesson(
                tuple(chance.sample(KNOWN, 6)), chance.uniform(0.3, 0.6), True, 0.005, chance.random() < 0.5
            )
            for _ in range(200)
        ]
        live += bool(learn(noise, KNOWN))
    assert live <= 1


def test_verdicts_that_turn_round_bring_back_what_is_shipped() -> None:
    lessons = server(2)
    turned = [
        Lesson(each.features, each.score, each.fired, each.share, not each.is_claim) for each in lessons
    ]
    assert learn(lessons, KNOWN)
    weights = learn(lessons + turned, KNOWN)
    assert abs(weights.get(7, 0.0)) < FEATURE_LIMIT


def test_few_lessons_teach_nothing() -> None:
    assert learn(server(3, count=LEAST_LESSONS - 1), KNOWN) == {}


def test_the_same_lessons_teach_the_same() -> None:
    assert learn(server(4), KNOWN) == learn(server(4), KNOWN)


def test_without_the_lessons_of_somebody_nothing_of_theirs_is_left() -> None:
    others = server(5)
    theirs = [Lesson((900, 901), 0.45, True, 0.005, False)] * 40
    assert {900, 901} & learn(others + theirs, KNOWN).keys()
    assert not {900, 901} & learn(others, KNOWN).keys()


def test_a_silent_line_stays_silent_in_the_replay() -> None:
    lessons = [Lesson((7,), 0.0, False, 0.005, True)] * 60
    assert replayed(lessons, {7: 0.5}, 0.3) == 0.0
