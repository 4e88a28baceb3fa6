"""The learned part of the screen: a sum of weights for words, word pairs and length."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from heapq import nsmallest
from importlib.resources import files
from itertools import pairwise, repeat
from typing import Any, Final

from wompcore.claims.rules import OWN
from wompcore.errors import ScreenModelInvalid

FORMAT: Final = 1
"""Version of the model file's layout."""

MODEL_FILE: Final = "screen_model.json"
LENGTH_STEP: Final = 4
LENGTHS: Final = 13
BEGIN: Final = "^"
END: Final = "$"

Pair = tuple[str, str]
_LARGEST: Final = 1_000_000
_REASONS: Final = 3
_SHORT: Final = 15


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights, as whole numbers so that a sum does not depend on its order.

    Args:
        words: Weight per token.
        pairs: Weight per two tokens in a row; a line begins with ``^`` and ends with ``$``.
        lengths: Weight per :data:`LENGTH_STEP` tokens of length, the last for everything longer.
        own: Weight of a short line about the speaker's own surroundings; hand-made, as no set teaches it.
        unit: Log odds per weight.
        bias: Log odds of a line without any weight.
        reach: Log odds by words and length below which pairs are not looked at: they hardly ever lift a line
            from there to a threshold.
    """

    words: Mapping[str, int]
    pairs: Mapping[Pair, int]
    lengths: Sequence[int]
    own: int
    unit: float
    bias: float
    reach: float = -math.inf
    _known: frozenset[Pair] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset(self.pairs))  # a set finds many at once, a dict one

    def log_odds(self, shapes: list[str], found: AbstractSet[str]) -> float:
        """Return how much a line looks like a claim.

        Args:
            shapes: The line's tokens, digits as 0.
            found: The same as a set.
        """
        weight = sum(map(self.words.get, found, repeat(0)))
        weight += self.lengths[min(len(shapes) // LENGTH_STEP, LENGTHS - 1)]
        if len(shapes) <= _SHORT and not OWN.isdisjoint(found):
            weight += self.own
        odds = self.bias + self.unit * weight
        if odds < self.reach:
            return odds  # two messages in five
        return odds + self.unit * sum(map(self.pairs.__getitem__, self._known.intersection(pairs_of(shapes))))

    def strongest(self, shapes: list[str], found: AbstractSet[str]) -> list[tuple[int, ...]]:
        """Return where the words and pairs first stand that speak most for a claim, the strongest first.

        Args:
            shapes: The line's tokens, digits as 0.
            found: The same as a set.
        """
        gains: list[tuple[int, tuple[str, ...]]] = [
            (-weight, (word,))
            for word in found
            if (weight := self.words.get(word, 0)) > 0 and word[0].isalnum()
        ]
        gains += [
            (-weight, pair)
            for pair in self._known.intersection(pairwise(shapes))
            if (weight := self.pairs[pair]) > 0 and pair[0][0].isalnum() and pair[1][0].isalnum()
        ]
        return [_place(shapes, entry) for _, entry in nsmallest(_REASONS, gains)]


def _place(shapes: list[str], entry: tuple[str, ...]) -> tuple[int, ...]:
    if len(entry) == 1:
        return (shapes.index(entry[0]),)
    at = next(at for at, pair in enumerate(pairwise(shapes)) if pair == entry)
    return at, at + 1


def pairs_of(shapes: list[str]) -> Iterator[Pair]:
    """Yield every two tokens in a row, with the line's begin and end.

    Args:
        shapes: Tokens.
    """
    return pairwise([BEGIN, *shapes, END])


def shipped() -> LinearModel:
    """Return the model that comes with the product.

    Raises:
        ScreenModelInvalid: The file is missing or damaged.
    """
    try:
        return parsed(files(__package__).joinpath(MODEL_FILE).read_bytes())
    except OSError as error:
        raise ScreenModelInvalid(str(error)) from error


def parsed(content: bytes) -> LinearModel:
    """Return the model of a file.

    Args:
        content: What stands in it.

    Raises:
        ScreenModelInvalid: It is no such file, of another version, or damaged.
    """
    try:
        stored = json.loads(content)
        if stored["format"] != FORMAT:
            raise ScreenModelInvalid(f"format {stored['format']!r}, not {FORMAT}")
        words = {word: weight for word, weight in _entries(stored["words"])}
        pairs = {_pair(entry): weight for entry, weight in _entries(stored["pairs"])}
        unit, bias, reach = (float(stored[name]) for name in ("unit", "bias", "reach"))
        model = LinearModel(words, pairs, stored["lengths"], stored["own"], unit, bias, reach)
        whole = (len(words), len(pairs), len(model.lengths)) == (*stored["entries"], LENGTHS)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ScreenModelInvalid(f"cannot be read: {error!r}") from error
    numbers = [*words.values(), *pairs.values(), *model.lengths, model.own]
    whole = whole and all(isinstance(number, int) and abs(number) <= _LARGEST for number in numbers)
    if not (whole and unit > 0 and math.isfinite(unit + bias) and reach <= 0):
        raise ScreenModelInvalid("its entries are not those it was written with")
    return model


def written(model: LinearModel) -> bytes:
    """Return a model as the content of a file; the same model gives the same bytes.

    Args:
        model: Weights.
    """
    content = {
        "format": FORMAT,
        "entries": [len(model.words), len(model.pairs)],
        "unit": model.unit,
        "bias": model.bias,
        "reach": model.reach,
        "lengths": list(model.lengths),
        "own": model.own,
        "words": _grouped(model.words.items()),
        "pairs": _grouped((" ".join(pair), weight) for pair, weight in model.pairs.items()),
    }
    return (json.dumps(content, ensure_ascii=False, indent=0) + "\n").encode()


def _grouped(entries: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Return entries by weight: a weight is written once, its entries as one line."""
    groups: dict[int, list[str]] = {}
    for entry, weight in entries:
        if weight:
            groups.setdefault(weight, []).append(entry)
    return {str(weight): "\t".join(sorted(groups[weight])) for weight in sorted(groups)}


def _entries(groups: Any) -> Iterator[tuple[str, int]]:
    return ((entry, int(weight)) for weight, line in groups.items() for entry in line.split("\t"))


def _pair(entry: str) -> Pair:
    first, second = entry.split(" ")
    return first, second
