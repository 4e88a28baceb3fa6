"""The screen: which messages may hold a claim. Pure, local, microseconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, Self, TypeAlias

from wompcore.claims.cues import Cues, shown, weigh
from wompcore.claims.delta import Delta, Feature, Vocabulary
from wompcore.claims.linear import LinearModel, shipped
from wompcore.claims.reading import hedged, prose, says_nothing, shapes, tokens, unfit
from wompcore.claims.rules import RULES, WEIGHTS, Kind

THRESHOLDS: Final = {"standard": 0.40, "thorough": 0.30}
"""Scores from which a message fires.

``standard``: a prediction, a guarantee, a fact with its evidence, two weak families (spec 04, section 1), or
wording as of a check-worthy fact. ``thorough``: any family, or wording somewhat like that. The learned part
is scaled so that its two thresholds fall on these scores.
"""

Threshold: TypeAlias = Literal["standard", "thorough"] | float

_CERTAIN: Final = 0.99
_THOROUGH_ODDS: Final = math.log(THRESHOLDS["thorough"] / (1 - THRESHOLDS["thorough"]))


class Verdict(NamedTuple):
    """What the screen says about a message.

    Args:
        fires: Whether it is worth a model's time: the score is above 0 and reaches the threshold.
        score: 0 to 1; ranks messages, and is no probability.
        kinds: The families found, the heaviest first. Named from the ``thorough`` score on.
        cues: The words that told, as a moderator can read them. Named like the kinds.
    """

    fires: bool
    score: float
    kinds: tuple[Kind, ...]
    cues: tuple[str, ...]


_SILENT: Final = Verdict(False, 0.0, (), ())


class Screen:
    """Judges messages by hand-made cues and by learned weights.

    Args:
        cues: Finds what no labelled text teaches: predictions, guarantees, absolutes.
        model: Weighs words, pairs and length.
        vocabulary: Names the features of the model for learning.
        delta: What a server learned on top.
    """

    def __init__(
        self, cues: Cues, model: LinearModel, vocabulary: Vocabulary, delta: Delta | None = None
    ) -> None:
        self._cues = cues
        self._model = model
        self._vocabulary = vocabulary
        self._delta = delta

    @classmethod
    def shipped(cls) -> Self:
        """Return the screen that comes with the product.

        Raises:
            ScreenModelInvalid: Its weights are missing or damaged.
        """
        model = shipped()
        return cls(Cues(RULES), model, Vocabulary(model))

    @property
    def vocabulary(self) -> Mapping[int, Feature]:
        """The words, pairs and families that :meth:`features` knows, by their numbers."""
        return self._vocabulary.features

    def with_delta(self, delta: Mapping[int, float]) -> Self:
        """Return this screen with what a server learned on top of the shipped weights.

        Args:
            delta: Log odds per feature, by the numbers that :meth:`features` returns. Every weight, and
                what all together do to one message, is bounded; unknown numbers are left out.

        Raises:
            ValueError: A weight is not a finite number.
        """
        return type(self)(self._cues, self._model, self._vocabulary, Delta.of(delta, self._vocabulary))

    def judge(self, text: str, *, threshold: Threshold = "standard") -> Verdict:
        """Judge one message. Reads a bounded part of it, in time linear in that part.

        Args:
            text: The message.
            threshold: A name from :data:`THRESHOLDS` or a score.

        Raises:
            ValueError: There is no threshold of that name.
        """
        least = _score_of(threshold)
        if unfit(text):
            return _SILENT
        line = prose(text)
        shape = shapes(line)
        found = set(shape)
        if says_nothing(line, shape, found):
            return _SILENT
        learned = odds = self._model.log_odds(shape, found)
        rules = self._cues.possible(found)
        weights, places = weigh(shape, rules) if rules and not hedged(line, found) else ({}, [])
        if weights:
            odds = max(odds, _log_odds(min(_CERTAIN, sum(weights.values()))))
        if self._delta:
            odds += self._delta.shift(shape, found, weights)
        score = round(0.5 + 0.5 * math.tanh(0.5 * odds), 4)  # the logistic function, without its overflow
        if score < THRESHOLDS["thorough"]:
            return Verdict(0 < score >= least, score, (), ())
        if not weights or learned >= _THOROUGH_ODDS:
            weights.setdefault("fact", WEIGHTS["fact"])
            places += self._model.strongest(shape, found)
        cues = dict.fromkeys(_shown(line, shape, places))
        return Verdict(0 < score >= least, score, tuple(k for k in WEIGHTS if k in weights), tuple(cues))

    def features(self, text: str) -> tuple[int, ...]:
        """Return what a server can learn from a message: numbers, from which no text can be read back.

        Only words and pairs of the shipped vocabulary have numbers, so names and rare words leave no trace.
        The numbers stay the same for as long as a word stays in the vocabulary.

        Args:
            text: The message.

        Returns:
            Distinct numbers below 2**32 in rising order; none for a message that is never judged.
        """
        if unfit(text):
            return ()
        line = prose(text)
        shape = shapes(line)
        found = set(shape)
        if says_nothing(line, shape, found):
            return ()
        weights, _ = weigh(shape, self._cues.possible(found))
        return self._vocabulary.numbers(shape, found, weights)


def _score_of(threshold: Threshold) -> float:
    if not isinstance(threshold, str):
        return threshold
    if threshold not in THRESHOLDS:
        raise ValueError(f"{threshold!r} is no threshold: use {' or '.join(THRESHOLDS)}, or a score")
    return THRESHOLDS[threshold]


def _shown(line: str, shape: list[str], places: list[tuple[int, ...]]) -> Iterator[str]:
    """Yield the words that told, numbers as they were written."""
    numbers = any(shape[at][0] == "0" for place in places for at in place)
    written = tokens(line) if numbers else shape
    return (shown(written, place) for place in places)


def _log_odds(score: float) -> float:
    return math.log(score / (1 - score))
