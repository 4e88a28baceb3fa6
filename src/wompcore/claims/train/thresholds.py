"""Sets the two thresholds and scales a model so that they fall on the scores the screen fires from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, Literal

from wompcore.claims.cues import Cues
from wompcore.claims.delta import Vocabulary
from wompcore.claims.linear import LinearModel
from wompcore.claims.rules import RULES
from wompcore.claims.screen import THRESHOLDS, Screen
from wompcore.claims.train.reading import read
from wompcore.claims.train.rows import CHAT, Row
from wompcore.errors import ScreenModelInvalid

CALLS: Final = {"standard": 10.6, "thorough": 44.0}
"""Fires per 1,000 chat messages that are aimed at, macro over sources.

Below what is promised (12 and 50), as other people's chat fires more than the chat that was learned from.
"""

PAIRS_LIFT: Final = 1.05
"""The most that pairs add to the log odds of 99 in 100 chat messages that fire; half of them gain 0.6."""


def scaled(model: LinearModel, rows: Sequence[Row]) -> LinearModel:
    """Return a model whose scores meet the thresholds.

    Args:
        model: As it was fitted.
        rows: Chat that it was not fitted on.

    Raises:
        ScreenModelInvalid: The rows cannot tell the thresholds apart.
    """
    chat = [row for row in rows if row.file in CHAT]
    low, high = _log_odds_for(model, chat, "thorough"), _log_odds_for(model, chat, "standard")
    if not low < high < math.inf:
        raise ScreenModelInvalid("there is too little chat to tell the thresholds apart")
    wanted_low, wanted_high = (_logit(THRESHOLDS[name]) for name in ("thorough", "standard"))
    slope = (wanted_high - wanted_low) / (high - low)
    return replace(
        model,
        unit=round(model.unit * slope, 9),
        bias=round(wanted_high + slope * (model.bias - high), 6),
        reach=round(wanted_low - PAIRS_LIFT, 6),
    )


def screen_of(model: LinearModel) -> Screen:
    """Return the screen with the shipped cues and these weights."""
    return Screen(Cues(RULES), model, Vocabulary(model))


def _log_odds_for(model: LinearModel, chat: Sequence[Row], name: Literal["standard", "thorough"]) -> float:
    """Return the lowest log odds at which the whole screen, cues included, stays within its calls."""
    silent = screen_of(replace(model, bias=-1e3))
    sources = sorted({row.source for row in chat})
    share = {s: 1000 / len(sources) / sum(row.source == s for row in chat) for s in sources}
    spent, odds = 0.0, []
    for row in chat:
        if silent.judge(row.text, threshold=name).fires:  # by a cue
            spent += share[row.source]
        elif shape := read(row.text):
            odds.append((model.log_odds(shape, set(shape)), share[row.source]))
    lowest = math.inf
    for value, tied in groupby(sorted(odds, reverse=True), key=lambda pair: pair[0]):
        spent += sum(cost for _, cost in tied)
        if spent > CALLS[name]:
            break
        lowest = value
    return lowest


def _logit(score: float) -> float:
    return math.log(score / (1 - score))
