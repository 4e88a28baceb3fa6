"""The screen: which messages may hold a claim. Pure, local, microseconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Self, TypeAlias

from wompcore.claims.rules import RULES, WEIGHTS, Kind, Rule, words

READ_CHARS: Final = 1000
"""How much of a message is read, characters; of the rest only whether it ends in a question mark."""

THRESHOLDS: Final = {"standard": 0.40, "thorough": 0.30}
"""Scores from which a message fires.

``standard``: a prediction, a guarantee, a fact with its evidence, or two families (spec 04, section 1).
``thorough``: any family.
"""

Threshold: TypeAlias = Literal["standard", "thorough"] | float

_SHORTEST_CHARS: Final = 15
_FEWEST_WORDS: Final = 5
_TOKEN: Final = re.compile(r"\w+(?:'\w+)*|[%.!?;\n]")
_MARKS: Final = frozenset("%.!?;\n")
_STOPS: Final = _MARKS - {"%"}
_NOT_PROSE: Final = re.compile(
    r"https?://\S+|<[^\s<>]{1,80}>|```.*?(?:```|\Z)|`[^`\n]*+`|^>[^\n]*+", re.DOTALL | re.MULTILINE
)
_HEDGES: Final = words("maybe probably possibly perhaps might could imo imho")
_HEDGING_PHRASES: Final = ("i think", "i guess", "i suspect", "i assume", "in my opinion", "not sure")
_JOKES: Final = words("lol lmao rofl jk kidding haha hahaha hahahaha hehe hehehe")
_JOKE_MARK: Final = re.compile(r"(?<!\S)/(?:s|j|jk)(?!\S)")
_ADDRESS: Final = re.compile(r"\s*(?:\S{1,40}[:,]\s+)?")
_ANSWER: Final = re.compile(r"(?:yes|yeah|yep|nope|ok|okay|no(?! (?:way|chance|one|doubt)))\b")
_QUESTION: Final = re.compile(
    r"\?|(?:how|why|where|who|what|which|is|are|am|do|does|did|can|could|will|would|should|has|any(?:one|body))\b"
)
_OWN: Final = words("my our us we i'm here today tonight cpu ram memory disk battery gb mb")
_COMMON: Final = words("i is are a of in no one it all this have my")


class Verdict(NamedTuple):
    """What the screen says about a message.

    Args:
        fires: Whether it is worth a model's time: the score is above 0 and reaches the threshold.
        score: 0 to 1.
        kinds: The families found, the heaviest first.
        cues: The words that told, as a moderator can read them.
    """

    fires: bool
    score: float
    kinds: tuple[Kind, ...]
    cues: tuple[str, ...]


_SILENT: Final = Verdict(False, 0.0, (), ())


class Screen:
    """Judges messages by rules.

    Args:
        rules: What to look for.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule, tuple(step for _, step in rule.then)) for rule in rules]
        # Each rule waits under its most telling words, so that "is" and "no" alone wake nothing.
        self._waiting: dict[str, tuple[int, ...]] = {}
        for number, (rule, further) in enumerate(self._rules):
            for word in next((s for s in (rule.first, *further) if s.isdisjoint(_COMMON)), rule.first):
                self._waiting[word] = (*self._waiting.get(word, ()), number)

    @classmethod
    def shipped(cls) -> Self:
        """Return the screen that comes with the product."""
        return cls(RULES)

    def judge(self, text: str, *, threshold: Threshold = "standard") -> Verdict:
        """Judge one message. Reads a bounded part of it, in time linear in that part.

        Args:
            text: The message.
            threshold: A name from :data:`THRESHOLDS` or a score.

        Raises:
            ValueError: There is no threshold of that name.
        """
        least = _score_of(threshold)
        if len(text) < _SHORTEST_CHARS:
            return _SILENT
        line = _prose(text)
        tokens = _TOKEN.findall(line)
        if self._waiting.keys().isdisjoint(tokens):
            return _SILENT  # most messages end here
        rules = self._possible(set(tokens))
        if not rules or _rejected(text, line, tokens):
            return _SILENT
        weights, cues = _weigh(tokens, rules)
        score = round(min(1.0, sum(weights.values(), 0.0)), 2)
        kinds = tuple(kind for kind in WEIGHTS if kind in weights)
        return Verdict(0 < score >= least, score, kinds, tuple(cues))

    def _possible(self, found: set[str]) -> dict[str, list[Rule]]:
        """Return, by first word, the rules whose every word set occurs somewhere in the line."""
        own = not _OWN.isdisjoint(found)
        possible: dict[str, list[Rule]] = {}
        for number in sorted({number for word in found for number in self._waiting.get(word, ())}):
            rule, further = self._rules[number]
            if not (own and rule.general) and not any(map(found.isdisjoint, further)):
                for word in found & rule.first:
                    possible.setdefault(word, []).append(rule)
        return possible


def _score_of(threshold: Threshold) -> float:
    if not isinstance(threshold, str):
        return threshold
    if threshold not in THRESHOLDS:
        raise ValueError(f"{threshold!r} is no threshold: use {' or '.join(THRESHOLDS)}, or a score")
    return THRESHOLDS[threshold]


def _prose(text: str) -> str:
    """Return the part that is read: lower case, without links, mentions, code and quoted lines."""
    line = text[:READ_CHARS].lower()[:READ_CHARS].replace("’", "'")
    if "going to" in line:
        line = line.replace("going to", "gonna")
    if "://" in line or "`" in line or ">" in line:
        line = _NOT_PROSE.sub(" ", line)
    return line


def _rejected(text: str, line: str, tokens: list[str]) -> bool:
    """Return whether a line is too short, a question, an answer, hedged or a joke."""
    address = _ADDRESS.match(line)
    start = address.end() if address else 0
    return bool(
        len([token for token in tokens if token not in _MARKS]) < _FEWEST_WORDS
        or text.rstrip().endswith("?")
        or _QUESTION.match(line, start)
        or _ANSWER.match(line, start)
        or not _HEDGES.isdisjoint(tokens)
        or any(phrase in line for phrase in _HEDGING_PHRASES)
        or not _JOKES.isdisjoint(tokens)
        or ("/" in line and _JOKE_MARK.search(line))
    )


def _weigh(tokens: list[str], rules: dict[str, list[Rule]]) -> tuple[dict[Kind, float], list[str]]:
    """Return the heaviest weight per family, and the words that told."""
    weights: dict[Kind, float] = {}
    cues: list[str] = []
    for at, token in enumerate(tokens):
        for rule in rules.get(token, ()):
            if weights.get(rule.kind, 0.0) < rule.weight and (cue := _cue(rule, tokens, at)):
                weights[rule.kind] = rule.weight
                cues.append(cue)
    return weights, cues


def _cue(rule: Rule, tokens: list[str], at: int) -> str:
    """Return the words a rule finds from ``at`` on, gaps shown by dots; empty when it does not hold."""
    cue = tokens[at]
    for reach, wanted in rule.then:
        for nearby in range(at + 1, min(at + reach + 1, len(tokens))):
            if tokens[nearby] in wanted:
                cue += f" {tokens[nearby]}" if nearby == at + 1 else f" … {tokens[nearby]}"
                at = nearby
                break
            if tokens[nearby] in _STOPS:
                return ""
        else:
            return ""
    return cue
