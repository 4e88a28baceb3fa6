"""Budgets in words: what one is for, and what a person hears when it is used up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from discord.utils import escape_markdown, escape_mentions, format_dt

from wompcore.errors import BudgetExceeded
from wompcore.money import show_usd
from wompcore.text import clean_name

REFUSED = "There is not enough left for this in {budget}. {when}"
CLOSED = "I may not spend any more for now: {budget} is closed. {when}"
RESETS = "It has room again {at}."
OPTED_OUT = "someone who opted out"
ASK_OWNER = "Only the bot's owner can change that."

_WHOSE = {
    "all": "the budget for everything",
    "guild": "the budget of this server",
    "channel": "the budget of this channel",
    "person": "your budget",
    "plugin": "the budget of this feature",
    "purpose": "the budget for this kind of work",
    "model": "the budget of this model",
}
_PERIOD = {"hour": "an hour", "day": "a day", "month": "a month", "total": "all time"}


def refusal(error: BudgetExceeded) -> str:
    """Return what the person who asked is told: which limit and when it resets, and nobody's figures."""
    whose = _WHOSE.get(error.scope, "a budget")
    budget = f"{whose} for {_PERIOD[error.period]}" if error.period in _PERIOD else whose
    when = ASK_OWNER
    if error.resets_at is not None and error.needed <= error.limit:  # else waiting does not help
        when = RESETS.format(at=_moment(error.resets_at))
    return (CLOSED if error.barred else REFUSED).format(budget=budget, when=when)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of those that budgets are for.

    Args:
        hides: Whether a person is not named.
        guild_name: A server's name, if the bot is there.
    """

    hides: Callable[[int], bool]
    guild_name: Callable[[int], str | None]


def subject(scope: str, key: str, known: Known) -> str:
    """Return what a budget is for, as its owner reads it; a mention shows a name and pings nobody."""
    if not key:
        return "everything"
    if scope == "guild":
        return f"server {named(known.guild_name(int(key)) or key)}"
    if scope == "person" and known.hides(int(key)):
        return OPTED_OUT
    if scope in ("person", "channel"):
        return f"<@{key}>" if scope == "person" else f"<#{key}>"
    return f"{scope} {named(key)}"


def named(key: str) -> str:
    """Return a name as one line that formats nothing and calls nobody."""
    return escape_mentions(escape_markdown(clean_name(key)))


def amount(value: Decimal, unit: str) -> str:
    """Return an amount of dollars or tokens as people read it."""
    return show_usd(value) if unit == "usd" else f"{value:,.0f} tokens"


def _moment(at: datetime) -> str:
    return f"{format_dt(at, 'R')} ({format_dt(at, 'f')})"
