"""What people read about budgets."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from discord import app_commands

from wompbot_cogs.cogs.spend.names import Names
from wompbot_cogs.cogs.spend.wanted import EACH
from wompcore.costs import Budget, BudgetUse, Used
from wompcore.money import ZERO, show_usd
from wompcore.text import bound

NONE = "There are no budgets. The owner of the bot sets them with `/budget set`."
REMOVED = "Budget {number} is removed."
UNKNOWN = "There is no budget {number}. `/budget list` shows them."
LIFTED = "Budget {number} is open again."
NOT_CLOSED = "Budget {number} was not closed. `/budget list` shows which are."

_KEYS_SHOWN = 3
_LONGEST_CHOICE = 100
_LARGEST_NUMBER = 2**63 - 1
_WINDOWS = {"hour": "in any hour", "day": "a day", "month": "a month", "total": "in total"}
_ACTIONS = {
    "refuse": "calls beyond it are refused",
    "fall_back": "beyond it a cheaper model is asked",
    "warn": "only watched",
}


def listing(uses: Iterable[BudgetUse], names: Names) -> str:
    """Return each budget and what is used of it."""
    return "\n".join(line for use in uses for line in _lines(use, names)) or NONE


def kept(budget: Budget, names: Names) -> str:
    """Return a budget that was set just now."""
    return f"Set: {_line(budget, names)}"


def choice(budget: Budget, names: Names) -> app_commands.Choice[int]:
    """Return a budget as Discord offers it while a command is typed."""
    what = names.drawn(budget.scope, budget.key) if budget.key not in ("", EACH) else _what(budget, names)
    text = f"{budget.id}: {what}, {_limit(budget)}"
    return app_commands.Choice(name=bound(text, _LONGEST_CHOICE), value=budget.id)


def number(typed: int) -> int:
    """Return a number that a budget may have; 0, which none has, for one that is out of range."""
    return typed if 0 < typed <= _LARGEST_NUMBER else 0


def _lines(use: BudgetUse, names: Names) -> list[str]:
    budget = use.budget
    if budget.key != EACH:
        used = use.used[0] if use.used else Used(budget.id, budget.key, ZERO, ZERO, barred=False)
        return [f"{_line(budget, names)} Now {_used(budget, used)}"]
    most = [f"  - {names.shown(budget.scope, used.key)}: {_used(budget, used)}" for used in use.used]
    return [_line(budget, names), *most[:_KEYS_SHOWN]]


def _line(budget: Budget, names: Names) -> str:
    parts = [_ACTIONS[budget.action]]
    if budget.background_amount is not None:
        parts.append(f"calls that nobody waits for stop at {_show(budget, budget.background_amount)}")
    if budget.alert_step is not None:
        parts.append(f"told of every {_show(budget, budget.alert_step)}")
    return f"`{budget.id}` **{_what(budget, names)}**: {_limit(budget)}; {', '.join(parts)}."


def _what(budget: Budget, names: Names) -> str:
    if budget.scope == "all":
        return "everything"
    scope = "server" if budget.scope == "guild" else budget.scope
    return f"each {scope}" if budget.key == EACH else f"{scope} {names.shown(budget.scope, budget.key)}"


def _limit(budget: Budget) -> str:
    zone = f" ({budget.zone})" if budget.period in ("day", "month") else ""
    amount = "no limit" if budget.amount is None else _show(budget, budget.amount)
    return f"{amount} {_WINDOWS[budget.period]}{zone}"


def _used(budget: Budget, used: Used) -> str:
    held = f", {_show(budget, used.held)} held by calls in progress" if used.held else ""
    closed = (
        f". Closed: a call cost more than was reserved; `/budget lift {budget.id}` opens it"
        if used.barred
        else ""
    )
    return f"{_show(budget, used.spent)} spent{held}{closed}."


def _show(budget: Budget, amount: Decimal) -> str:
    return show_usd(amount) if budget.unit == "usd" else f"{amount:,.0f} tokens"
