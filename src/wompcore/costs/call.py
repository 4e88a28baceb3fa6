"""A call before it is made: what it is for, and the most and the likely that it comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from operator import attrgetter
from typing import Literal

from wompcore.money import Usd
from wompcore.repos.costs_ledger import PassedLimit
from wompcore.usage import Attribution, Purpose, Usage

BACKGROUND = frozenset(
    {
        Purpose.CLAIM_CHECK,
        Purpose.CLAIM_CONTRADICTION,
        Purpose.HOT_TAKE,
        Purpose.EMBEDDING,
        Purpose.PROBE,
    }
)
"""Purposes that nobody waits for; a budget may give them a lower limit."""

_COUNTS = ("input", "output", "cached_input", "cache_write", "reasoning", "audio", "images")
_COUNTS_OF = attrgetter(*_COUNTS)
_TOKENS_MAX = 2**31 - 1  # a PostgreSQL integer
_COST_MAX = Usd(10**9)
_COST_PLACES = 100  # as many as sums of our own have
_BELOW_WORST = 4  # bytes of English text to a token; source: OpenAI, "What are tokens and how to count them?"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a paid service, before it is made. Sent again after it was charged, it is another call.

    Args:
        provider: Who is asked.
        model: The model's exact id.
        attribution: Who and what it is for.
        max_output_tokens: The answer's length at most, tokens.
        max_input_tokens: The prompt's length at most, tokens; text has at most one to a byte.
        max_audio_s: The recording's length at most, seconds.
        fixed_cost: What it costs whatever it uses, where the operator said so: a search.
        images: Images that are charged by the piece.
        expected: What it probably uses; guessed from the bounds when left out.
    """

    provider: str
    model: str
    attribution: Attribution
    max_output_tokens: int = 0
    max_input_tokens: int = 0
    max_audio_s: float = 0.0
    fixed_cost: Usd | None = None
    images: int = 0
    expected: Usage | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that may start.

    Args:
        id: The id its entry will have; carries the time.
        call: The call.
        at: When it was reserved; decides the month it counts to.
        worst_usd: The most it may cost.
        worst_tokens: The most it may use.
        passed: Budgets that it goes beyond, none of which refuses.
    """

    id: int
    call: Call
    at: datetime
    worst_usd: Usd
    worst_tokens: int
    passed: tuple[PassedLimit, ...] = ()

    @property
    def advice(self) -> Literal["go", "warn", "fall_back"]:
        """What the budgets ask for: to go on, to tell somebody, or to take a cheaper model."""
        if any(limit.action == "fall_back" for limit in self.passed):
            return "fall_back"
        return "warn" if self.passed else "go"

    def unnamed(self) -> Reservation:
        """Return it for nobody: where no row stands for a call, erasing a person cannot reach it."""
        who = replace(self.call.attribution, person_id=None, message_id=None)
        return replace(self, call=replace(self.call, attribution=who))


def worst_usage(call: Call) -> Usage:
    """Return the most that a call can use."""
    return storable(
        Usage(
            input=call.max_input_tokens,
            output=call.max_output_tokens,
            audio_s=call.max_audio_s,
            images=call.images,
        )
    )


def expected_usage(call: Call, most: Usage) -> Usage:
    """Return what a call probably uses, within its bounds: half an answer, half a recording by default.

    Args:
        call: The call.
        most: The most that it can use.
    """
    if call.expected is None:
        return Usage(
            -(-most.input // _BELOW_WORST),
            -(-most.output // 2),
            audio_s=most.audio_s / 2,
            images=most.images,
        )
    guess = storable(call.expected)
    return replace(
        guess,
        input=min(guess.input, most.input),
        output=min(guess.output, most.output),
        audio_s=min(guess.audio_s, most.audio_s),
    )


def storable(usage: Usage) -> Usage:
    """Return the usage without what no provider can mean: numbers below zero, endless or far too large."""
    counts = _COUNTS_OF(usage)
    plausible = usage.cost is None or _plausible(usage.cost)
    if plausible and min(counts) >= 0 and max(counts) <= _TOKENS_MAX and 0 <= usage.audio_s <= _TOKENS_MAX:
        return usage
    bounded = {name: min(max(count, 0), _TOKENS_MAX) for name, count in zip(_COUNTS, counts, strict=True)}
    audio_s = min(max(usage.audio_s, 0.0), float(_TOKENS_MAX)) if isfinite(usage.audio_s) else 0.0
    return replace(usage, **bounded, audio_s=audio_s, cost=usage.cost if plausible else None)


def _plausible(cost: Usd) -> bool:
    """Return whether one call can have cost that; sums of such costs are exact and can be shown."""
    exponent = cost.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_COST_PLACES and 0 <= cost < _COST_MAX
