"""Learning from the model's verdicts: one AdaGrad step of logistic regression per lesson. Pure.

Source of the step: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
stochastic optimization", JMLR 12 (2011), diagonal form.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wompcore.claims.delta import FEATURE_LIMIT, SHIFT_LIMIT
from wompcore.claims.screen import THRESHOLDS

if TYPE_CHECKING:
    from wompcore.repos.lessons import Lesson

LEAST_LESSONS: Final = 50
"""Lessons without which nothing is learned."""

WEIGHTS_KEPT: Final = 500
"""Weights of a guild that are kept: the strongest."""

HEAVIEST: Final = 10.0
"""What one explored lesson counts for at most, though it may stand for more messages."""

_SURE: Final = 2.33  # standard errors of the sum of gains: one in a hundred by chance
_RATE: Final = 0.02  # of 0.02 to 0.2 the best on the halves of five labelled sets that were not learned
_START: Final = 1.0  # of the sum of squares, so that one lesson alone moves a word by little
_LEAST_WEIGHT: Final = 0.01
_LOWEST_SCORE: Final = 1e-6


@dataclass(slots=True)
class _Weight:
    """A weight and the squares of its gradients so far."""

    value: float = 0.0
    squares: float = _START

    def step(self, gradient: float, limit: float) -> None:
        self.squares += gradient * gradient
        moved = self.value - _RATE * gradient / math.sqrt(self.squares)
        self.value = max(-limit, min(limit, moved))


@dataclass(slots=True)
class _Learner:
    """Weights for features, beside the shipped odds; a bias levels scores, which are no probabilities."""

    weights: dict[int, _Weight] = field(default_factory=dict)
    bias: _Weight = field(default_factory=_Weight)

    def learn(self, lesson: Lesson, features: Sequence[int]) -> float:
        """Learn a lesson; returns the loss on it before that, log loss times what it counts for."""
        heft = _heft(lesson)
        chance = _chance(_odds(lesson) + self.bias.value + _shift(self.values(features)))
        gradient = heft * (chance - lesson.is_claim)
        self.bias.step(gradient, math.inf)
        for feature in features:
            self.weights.setdefault(feature, _Weight()).step(gradient, FEATURE_LIMIT)
        return -heft * math.log(chance if lesson.is_claim else 1 - chance)

    def values(self, features: Sequence[int]) -> list[float]:
        return [self.weights[each].value for each in features if each in self.weights]


def learn(lessons: Sequence[Lesson], known: Container[int]) -> dict[int, float]:
    """Return what a guild should add to the shipped weights; nothing when that would be no better.

    It goes live when three things hold on the guild's own lessons. Each lesson judged before it is learned,
    the loss is lower than that of the shipped weights by more than chance would have it, and the F1 score
    of what fires is not lower at any of the shipped thresholds. Nor is it lower with the final weights.

    Args:
        lessons: In the order the messages were said.
        known: The features of the shipped vocabulary.
    """
    if len(lessons) < LEAST_LESSONS:
        return {}
    learned, shipped = _Learner(), _Learner()
    gains, shifts = [], []
    for lesson in lessons:
        features = [each for each in lesson.features if each in known]
        shifts.append(_shift(learned.values(features)))
        gains.append(shipped.learn(lesson, ()) - learned.learn(lesson, features))
    weights = _strongest(learned)
    if sum(gains) <= _SURE * math.hypot(*gains):
        return {}
    for least in THRESHOLDS.values():
        as_shipped = replayed(lessons, {}, least)
        if min(_f1(lessons, shifts, least), replayed(lessons, weights, least)) < as_shipped:
            return {}
    return weights


def replayed(lessons: Sequence[Lesson], weights: Mapping[int, float], least: float) -> float:
    """Return the F1 score of what would fire, weighed by what each lesson stands for; 0 without any hit.

    Args:
        lessons: What the model said.
        weights: Log odds per feature, on top of the shipped ones.
        least: The score from which a message fires.
    """
    shifts = [_shift([weights[each] for each in lesson.features if each in weights]) for lesson in lessons]
    return _f1(lessons, shifts, least)


def _f1(lessons: Sequence[Lesson], shifts: Sequence[float], least: float) -> float:
    hits = wrong = 0.0
    for lesson, shift in zip(lessons, shifts, strict=True):
        fires = lesson.score > 0 and round(_chance(_odds(lesson) + shift), 4) >= least
        if fires and lesson.is_claim:
            hits += _heft(lesson)
        elif fires or lesson.is_claim:
            wrong += _heft(lesson)
    return 2 * hits / (2 * hits + wrong) if hits else 0.0


def _strongest(learner: _Learner) -> dict[int, float]:
    by_strength = sorted(learner.weights.items(), key=lambda item: (-abs(item[1].value), item[0]))
    return {
        feature: round(weight.value, 4)
        for feature, weight in by_strength[:WEIGHTS_KEPT]
        if abs(weight.value) >= _LEAST_WEIGHT
    }


def _heft(lesson: Lesson) -> float:
    return 1.0 if lesson.fired or not lesson.share else min(1 / lesson.share, HEAVIEST)


def _odds(lesson: Lesson) -> float:
    score = max(_LOWEST_SCORE, min(1 - _LOWEST_SCORE, lesson.score))
    return math.log(score / (1 - score))


def _shift(values: Sequence[float]) -> float:
    return max(-SHIFT_LIMIT, min(SHIFT_LIMIT, math.fsum(values)))


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))
