"""What a server learned on top of the shipped weights: bounded, and keyed by numbers instead of words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self, TypeAlias
from zlib import crc32

from wompcore.claims.linear import LinearModel, Pair, pairs_of
from wompcore.claims.rules import WEIGHTS, Kind

FEATURE_LIMIT: Final = 0.5
"""The most that one feature may add or take, log odds."""

SHIFT_LIMIT: Final = 1.0
"""The most that all features together may add or take from one message, log odds."""

Feature: TypeAlias = str | Pair


class Vocabulary:
    """The features of a model and the numbers that stand for them.

    Args:
        model: Its words and pairs; the families of the cues are features too.
    """

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    @cached_property
    def features(self) -> Mapping[int, Feature]:
        """Every feature by its number."""
        every: Iterable[Feature] = (*self._model.words, *self._model.pairs, *map(_family, WEIGHTS))
        return {number(feature): feature for feature in every}

    def numbers(self, shapes: list[str], found: AbstractSet[str], kinds: Iterable[Kind]) -> tuple[int, ...]:
        """Return the numbers of a line's features, in rising order.

        Args:
            shapes: The line's tokens, digits as 0.
            found: The same as a set.
            kinds: The families of cues it has.
        """
        known: set[Feature] = {*(self._model.words.keys() & found), *map(_family, kinds)}
        known |= self._model.pairs.keys() & set(pairs_of(shapes))
        return tuple(sorted(map(number, known)))


@dataclass(frozen=True, slots=True)
class Delta:
    """Bounded weights per feature.

    Args:
        weights: Log odds per feature, none beyond :data:`FEATURE_LIMIT`.
    """

    weights: Mapping[Feature, float]

    @classmethod
    def of(cls, delta: Mapping[int, float], vocabulary: Vocabulary) -> Self:
        """Return a delta with every weight cut to its bound, without features that are unknown.

        Args:
            delta: Log odds by number.
            vocabulary: Knows the numbers.

        Raises:
            ValueError: A weight is not a finite number.
        """
        if not all(map(math.isfinite, delta.values())):
            raise ValueError("a weight of a delta is not a finite number")
        known = vocabulary.features
        return cls(
            {known[key]: _within(weight, FEATURE_LIMIT) for key, weight in delta.items() if key in known}
        )

    def shift(self, shapes: list[str], found: AbstractSet[str], kinds: Iterable[Kind]) -> float:
        """Return what it adds to a line's log odds, at most :data:`SHIFT_LIMIT` either way.

        Args:
            shapes: The line's tokens, digits as 0.
            found: The same as a set.
            kinds: The families of cues it has.
        """
        features: set[Feature] = {*found, *pairs_of(shapes), *map(_family, kinds)}
        # Exact, so that the order in a set cannot change a score.
        return _within(math.fsum(self.weights.get(feature, 0.0) for feature in features), SHIFT_LIMIT)


def number(feature: Feature) -> int:
    """Return the number that stands for a feature, below 2**32.

    Args:
        feature: A token, or two in a row.
    """
    return crc32((feature if isinstance(feature, str) else " ".join(feature)).encode())


def _family(kind: Kind) -> Pair:
    """Return the feature of a family of cues; no line has such a pair."""
    return ("", kind)


def _within(weight: float, limit: float) -> float:
    return max(-limit, min(limit, weight))
