"""Finds the hand-made cues of :mod:`wompcore.claims.rules` in a line, in one pass over its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Final

from wompcore.claims.rules import OWN, Kind, Rule, words

_STOPS: Final = frozenset(".!?;\n")
_COMMON: Final = words(
    "i i'm you he she it they we the a this that that's it's is are was be no not one all my have has will"
    " can of in to on for if by just make then time out know never gonna , ."
)


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
            for word in min((rule.first, *further), key=lambda step: len(step & _COMMON)):
                self._waiting[word] = (*self._waiting.get(word, ()), number)
        self._wakes = frozenset(self._waiting)

    def possible(self, found: AbstractSet[str]) -> dict[str, list[Rule]]:
        """Return, by first word, the rules whose every word set occurs somewhere in a line.

        Args:
            found: The line's tokens.
        """
        woken = self._wakes & found
        if not woken:
            return {}  # most lines
        own = not OWN.isdisjoint(found)
        possible: dict[str, list[Rule]] = {}
        for number in sorted({number for word in woken for number in self._waiting[word]}):
            rule, further = self._rules[number]
            if not (own and rule.general) and not any(map(found.isdisjoint, further)):
                for word in found & rule.first:
                    possible.setdefault(word, []).append(rule)
        return possible


def weigh(shapes: list[str], rules: dict[str, list[Rule]]) -> tuple[dict[Kind, float], list[tuple[int, ...]]]:
    """Return the heaviest weight per family, and where the words stand that told.

    Args:
        shapes: A line's tokens.
        rules: What :meth:`Cues.possible` returned for it.
    """
    weights: dict[Kind, float] = {}
    places: list[tuple[int, ...]] = []
    for at, token in enumerate(shapes):
        for rule in rules.get(token, ()):
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
