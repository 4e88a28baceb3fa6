"""Finds the hand-made cues of :mod:`wompcore.claims.rules` in a line, in one pass over its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Final

from wompcore.claims.rules import OWN, Kind, Rule

_STOPS: Final = frozenset(".!?;\n")
_COMMON: Final = (
    "the to . , i a it is you and of in that this on for my be if no they not can all it's have we way i'm"
    " will was just he are make one out know time that's has then she gonna at by won't or never an any what"
)
_FREQUENCY: Final = {word: rank for rank, word in enumerate(reversed(_COMMON.split()), start=1)}
"""How common a word is in chat; unknown ones are rare."""


class Cues:
    """Rules, each waiting under its most telling words.

    Args:
        rules: What to look for.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule, tuple(step for _, step in rule.then)) for rule in rules]
        # Under its most telling words, so that "is" and "no" alone wake nothing.
        self._waiting: dict[str, tuple[int, ...]] = {}
        for number, (rule, further) in enumerate(self._rules):
            for word in min((rule.first, *further), key=_frequency):
                self._waiting[word] = (*self._waiting.get(word, ()), number)
        self._wakes = frozenset(self._waiting)

    def possible(self, found: AbstractSet[str]) -> dict[str, list[Rule]]:
        """Return, by first word, the rules whose every word set occurs somewhere in a line.

        Args:
            found: The line's tokens.
        """
        numbers = {
            number
            for word in self._wakes & found
            for number in self._waiting[word]
            if not any(map(found.isdisjoint, self._rules[number][1]))
        }
        possible: dict[str, list[Rule]] = {}
        if numbers:  # in one line of twenty
            own = not OWN.isdisjoint(found)
            for rule in (self._rules[number][0] for number in sorted(numbers)):
                if not (own and rule.general):
                    for word in found & rule.first:
                        possible.setdefault(word, []).append(rule)
        return possible


def _frequency(step: frozenset[str]) -> int:
    return sum(_FREQUENCY.get(word, 0) for word in step)


def weigh(shapes: list[str], rules: dict[str, list[Rule]]) -> tuple[dict[Kind, float], list[tuple[int, ...]]]:
    """Return the heaviest weight per family, and where the words stand that told.

    Args:
        shapes: A line's tokens.
        rules: What :meth:`Cues.possible` returned for it.
    """
    weights: dict[Kind, float] = {}
    places: list[tuple[int, ...]] = []
    for at in [at for at, token in enumerate(shapes) if token in rules]:
        for rule in rules[shapes[at]]:
            if weights.get(rule.kind, 0.0) < rule.weight and (place := _place(rule, shapes, at)):
                weights[rule.kind] = rule.weight
                places.append(place)
    return weights, places


def _place(rule: Rule, shapes: list[str], at: int) -> tuple[int, ...]:
    """Return where the words of a rule stand from ``at`` on; empty when it does not hold."""
    place = [at]
    for reach, wanted in rule.then:
        for nearby in range(at + 1, min(at + reach + 1, len(shapes))):
            if shapes[nearby] in wanted:
                place.append(at := nearby)
                break
            if shapes[nearby] in _STOPS:
                return ()
        else:
            return ()
    return tuple(place)


def shown(line: list[str], place: tuple[int, ...]) -> str:
    """Return the words of a place as a moderator can read them, gaps shown by dots.

    Args:
        line: Its tokens as they stand.
        place: Where the words are.
    """
    cue = line[place[0]]
    for before, at in pairwise(place):
        cue += f" {line[at]}" if at == before + 1 else f" … {line[at]}"
    return cue
