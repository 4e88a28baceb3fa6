"""The screen as plainly as it can be told: what the fast one has to agree with, character by character."""

from __future__ import annotations

import math
import re
from itertools import pairwise

from wompcore.claims.linear import LENGTH_STEP, LENGTHS, LinearModel
from wompcore.claims.reading import hedged, prose
from wompcore.claims.rules import OWN, RULES, Kind, Rule

TOKEN = re.compile(r"(?:[^\W\d_]|')+|\d+(?:[.,:]\d+)*|[^\w\s\x00-\x1f\x7f]|\n")
STOPS = ".!?;\n"
JOKES = ["lol", "lmao", "rofl", "jk", "kidding", "haha", "hahaha", "hahahaha", "hehe", "hehehe"]
OPENINGS = (
    "? how why where who what which is are am do does did can could will would should has anyone anybody"
    " yes yeah yep nope ok okay no"
)
AFTER_NO = ["way", "chance", "one", "doubt", "shot", "team"]


def slow_score(model: LinearModel, text: str) -> float:
    """Return the score of a message."""
    line = prose(text)
    tokens = slow_shapes(line)
    if len(text.rstrip()) < 15 or text.rstrip().endswith("?") or slow_says_nothing(line, tokens):
        return 0.0
    odds = slow_log_odds(model, tokens)
    weights = {} if hedged(line, set(tokens)) else slow_weights(tokens)
    if weights:
        cues = min(0.99, sum(weights.values()))
        odds = max(odds, math.log(cues / (1 - cues)))
    return round(0.5 + 0.5 * math.tanh(0.5 * odds), 4)


def slow_shapes(line: str) -> list[str]:
    return [re.sub("[1-9]", "0", token) for token in TOKEN.findall(line)]


def slow_says_nothing(line: str, tokens: list[str]) -> bool:
    openings = [0, *(at + 1 for at in (1, 2, 3) if tokens[at : at + 1] in ([","], [":"]))]
    return (
        len(tokens) < 5
        or any(_opens_badly(tokens[at : at + 2]) for at in openings)
        or any(joke in tokens for joke in JOKES)
        or re.search(r"(?<!\S)/(?:s|j|jk)(?!\S)", line) is not None
        or _few_words(tokens)
    )


def _opens_badly(start: list[str]) -> bool:
    return (
        start[:1] != [] and start[0] in OPENINGS.split() and not (start[0] == "no" and start[-1] in AFTER_NO)
    )


def _few_words(tokens: list[str]) -> bool:
    words = len([token for token in tokens if token[0].isalpha()])
    numbers = len([token for token in tokens if token[0].isdigit()])
    return words < 3 or words + numbers < 5


def slow_log_odds(model: LinearModel, tokens: list[str]) -> float:
    weight = sum(model.words.get(token, 0) for token in set(tokens))
    weight += model.lengths[min(len(tokens) // LENGTH_STEP, LENGTHS - 1)]
    if len(tokens) <= 15 and any(token in OWN for token in tokens):
        weight += model.own
    odds = model.bias + model.unit * weight
    if odds >= model.reach:
        odds += model.unit * sum(model.pairs.get(pair, 0) for pair in set(pairwise(["^", *tokens, "$"])))
    return odds


def slow_weights(tokens: list[str]) -> dict[Kind, float]:
    weights: dict[Kind, float] = {}
    own = any(token in OWN for token in tokens)
    for rule in RULES:
        if not (own and rule.general) and any(_holds(rule, tokens, at) for at in range(len(tokens))):
            weights[rule.kind] = max(weights.get(rule.kind, 0.0), rule.weight)
    return weights


def _holds(rule: Rule, tokens: list[str], at: int) -> bool:
    if tokens[at] not in rule.first:
        return False
    for reach, wanted in rule.then:
        nearby = range(at + 1, min(at + reach + 1, len(tokens)))
        step = next((place for place in nearby if tokens[place] in wanted or tokens[place] in STOPS), None)
        if step is None or tokens[step] not in wanted:
            return False
        at = step
    return True
