"""Fits the weights: a logistic regression on words, word classes, pairs and length, folded into one sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from wompcore.claims.linear import LENGTH_STEP, LENGTHS, LinearModel, pairs_of
from wompcore.claims.train.reading import read
from wompcore.claims.train.rows import Row

UNIT: Final = 0.01
"""Log odds per weight before scaling."""

REGULARIZATION: Final = 0.03
"""C of the regression."""

SOURCE_WEIGHTS: Final = {"irc_ubuntu": 4.0, "irc_other": 4.0, "regroom_verif": 1.25}
"""How much a row counts by its set; 1 where none is named. Chat counts more as it is what is screened."""

PREFIXES: Final = (4, 6, 8, 20)
"""Word classes: how many bits of a Brown cluster are read; the fewer, the wider the class."""

CLASS_SCALE: Final = 0.5
PAIRS_KEPT: Final = 3000
OWN_WEIGHT: Final = -100
"""Of a short line about the speaker's own surroundings: "my phone is at 20%"."""

_RAREST_WORD: Final = 2
_RAREST_PAIR: Final = 3


def fit(rows: Sequence[Row], classes: Mapping[str, int], common: Sequence[str] = ()) -> LinearModel:
    """Return the model of some rows.

    Args:
        rows: What to learn from.
        classes: Brown cluster per word; words that none of the rows has get a weight from it.
        common: Words to include whether the rows have them or not.
    """
    known = [(row, shape) for row in rows if (shape := read(row.text)) is not None]
    lines = [shape for _, shape in known]
    labels = np.array([row.label or 0 for row, _ in known])
    weights = np.array([SOURCE_WEIGHTS.get(row.file, 1.0) for row, _ in known])
    seen = _counted((word for line in lines for word in set(line)), _RAREST_WORD)
    words = [*seen, *sorted(set(common) - set(seen))]
    pairs = _counted((pair for line in lines for pair in set(pairs_of(line))), _RAREST_PAIR)
    table = _class_table(words, classes)
    found = _matrix([set(line) for line in lines], words)
    in_pairs = _matrix([set(pairs_of(line)) for line in lines], pairs)
    lengths = _matrix([{min(len(line) // LENGTH_STEP, LENGTHS - 1)} for line in lines], range(LENGTHS))
    plain = [found[:, : len(seen)], found @ table, lengths]

    first = _regression(sp.hstack([*plain, in_pairs]).tocsr(), labels, weights)
    speaks = np.abs(first.coef_[0][-len(pairs) :]) * np.sqrt(np.asarray(in_pairs.sum(0)).ravel())
    best = np.sort(np.argsort(-speaks, kind="stable")[:PAIRS_KEPT])
    last = _regression(sp.hstack([*plain, in_pairs[:, best]]).tocsr(), labels, weights)

    bounds = np.cumsum([len(seen), table.shape[1], LENGTHS])
    of_words, of_classes, of_lengths, of_pairs = np.split(last.coef_[0], bounds)
    folded = table @ of_classes
    folded[: len(seen)] += of_words
    return LinearModel(
        words=_weighed(words, folded),
        pairs=_weighed([pairs[at] for at in best], of_pairs),
        lengths=_whole(of_lengths),
        own=OWN_WEIGHT,
        unit=UNIT,
        bias=round(float(last.intercept_[0]), 6),
    )


def _regression(matrix: Any, labels: Any, weights: Any) -> Any:
    model = LogisticRegression(C=REGULARIZATION, solver="liblinear", max_iter=300, random_state=0)
    return model.fit(matrix, labels, weights)


def _counted(entries: Any, rarest: int) -> list[Any]:
    """Return the entries that come often enough, sorted."""
    return sorted(entry for entry, count in Counter(entries).items() if count >= rarest)


def _matrix(lines: Sequence[Any], columns: Sequence[Any]) -> Any:
    """Return which line has which column: a sparse matrix of 0 and 1."""
    number = {column: at for at, column in enumerate(columns)}
    at = [sorted(number[entry] for entry in line if entry in number) for line in lines]
    starts = np.cumsum([0, *map(len, at)])
    flat = np.array([column for line in at for column in line], dtype=np.int64)
    return sp.csr_matrix((np.ones(len(flat)), flat, starts), shape=(len(lines), len(columns)))


def _class_table(words: Sequence[str], classes: Mapping[str, int]) -> Any:
    """Return which word is of which class, as a sparse matrix."""
    of_words = [
        [(bits, classes[word] % (1 << bits)) for bits in PREFIXES] if classes.get(word) else []
        for word in words
    ]
    return _matrix(of_words, sorted({entry for some in of_words for entry in some})) * CLASS_SCALE


def _weighed(entries: Sequence[Any], weights: Any) -> dict[Any, int]:
    """Return entries with the weights that do not round to nothing."""
    return {entry: weight for entry, weight in zip(entries, _whole(weights), strict=True) if weight}


def _whole(weights: Any) -> list[int]:
    return [round(float(weight) / UNIT) for weight in weights]
