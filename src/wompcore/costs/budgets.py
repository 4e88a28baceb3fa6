"""Budgets as their owner sees them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wompcore.clock import Clock
from wompcore.errors import BudgetInvalid
from wompcore.repos.costs_budgets import Budget, BudgetRepository, BudgetScope, Crossing, Unit, Used
from wompcore.text import clean_name
from wompcore.usage import Purpose

_MOST = Decimal(10**15)
_PLACES = 12  # a millionth of a token's price
_LEAST_STEP: dict[Unit, Decimal] = {"usd": Decimal("0.01"), "tokens": Decimal(1000)}
_ID = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """A budget and what is used of it in its current window.

    Args:
        budget: The budget.
        used: The keys that spent anything: those that are closed, then those that spent most.
    """

    budget: Budget
    used: tuple[Used, ...]


class Budgets:
    """Sets budgets, tells how they stand and hands out the thresholds that were crossed.

    Args:
        repository: Where they are kept.
        clock: Tells which windows are current.
    """

    def __init__(self, repository: BudgetRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def set(self, budget: Budget) -> Budget:
        """Set a budget, or change the one with the same scope, key, period, unit and action.

        What was spent in its current window counts at once; a budget of period ``total`` begins at zero.

        Raises:
            BudgetInvalid: It makes no sense; says why.
        """
        _check(budget)
        return await self._repository.set(budget, self._clock.now())

    async def all(self, *, limit: int = 10) -> list[BudgetUse]:
        """Return every budget and what is used of it.

        Args:
            limit: Keys per budget at most.
        """
        used = await self._repository.used(self._clock.now(), limit=limit)
        return _together(await self._repository.all(), used)

    async def of_guild(self, guild_id: int, channel_ids: Iterable[int]) -> list[BudgetUse]:
        """Return the budgets of a guild and its channels, and what they used of those for each.

        Args:
            guild_id: The guild.
            channel_ids: All of its channels; what others used is not told.
        """
        now = self._clock.now()
        keys: dict[BudgetScope, set[str]] = {"guild": {str(guild_id)}, "channel": {*map(str, channel_ids)}}
        used = [one for scope in keys for one in await self._repository.used_by(scope, keys[scope], now)]
        here = [
            budget
            for budget in await self._repository.all()
            if budget.key in keys.get(budget.scope, ()) or (budget.scope in keys and budget.key == "*")
        ]
        return _together(here, used)

    async def remove(self, budget_id: int) -> bool:
        """Remove a budget; return whether there was one."""
        return await self._repository.remove(budget_id)

    async def lift(self, budget_id: int) -> bool:
        """Open a budget that was closed by a call above its reservation; return whether it was closed."""
        return await self._repository.lift(budget_id)

    async def check_totals(self) -> list[tuple[int, str, datetime]]:
        """Return budget, key and window of each meter that is not the sum of entries and reservations."""
        return await self._repository.check(self._clock.now())

    async def rebuild_totals(self) -> None:
        """Sum the meters of all current windows anew."""
        await self._repository.rebuild(self._clock.now())

    async def forget(self) -> None:
        """Remove what no window counts any more, people who opted out among it; a job does this hourly."""
        await self._repository.forget(self._clock.now())

    async def hand_out(self, to: Callable[[Crossing], Awaitable[object]]) -> int:
        """Hand out every crossing that nobody has yet and return how many.

        Of several steps of a window the highest is handed out, and of one budget's steps one in ten minutes.

        Args:
            to: Called for one after the other. It must do its work once per ``crossing.id`` (an outbox key):
                a process that ends between that work and our note of it makes it be called again.
        """
        count = 0
        while await self._repository.hand_out(to):
            count += 1
        return count


def _together(budgets: Iterable[Budget], used: Sequence[Used]) -> list[BudgetUse]:
    return [BudgetUse(budget, tuple(one for one in used if one.budget_id == budget.id)) for budget in budgets]


def _check(budget: Budget) -> None:
    _check_key(budget)
    try:
        ZoneInfo(budget.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: it names a folder
        raise BudgetInvalid(f"there is no time zone '{clean_name(budget.zone)}'") from error
    if budget.amount is None and (budget.action != "warn" or budget.alert_step is None):
        raise BudgetInvalid("without an amount a budget can only warn, at each step")
    for amount in (budget.amount, budget.background_amount, budget.alert_step):
        if amount is not None:
            _check_amount(amount, budget.unit)
    if budget.background_amount is not None and not (
        budget.amount is not None and budget.background_amount <= budget.amount
    ):
        raise BudgetInvalid("background calls stop before the others, so their amount is lower")
    if budget.alert_step is not None and budget.alert_step < _LEAST_STEP[budget.unit]:
        hint = "A step is at least 0.01 dollars, or 1,000 tokens."
        raise BudgetInvalid("that step would tell of almost every call", hint=hint)
    if any(percent <= 0 for percent in budget.alert_percents):
        raise BudgetInvalid("thresholds are above 0 percent")


def _check_amount(amount: Decimal, unit: Unit) -> None:
    if not (amount.is_finite() and 0 <= amount <= _MOST):
        raise BudgetInvalid(f"{amount:.6g} is no amount between 0 and {_MOST:,}")
    if unit == "tokens" and amount != amount.to_integral_value():
        raise BudgetInvalid("tokens are counted whole", hint="Write 50000.")
    if amount != round(amount, _PLACES):  # with all digits of the most that is 28, as many as decimals have
        raise BudgetInvalid(f"an amount has at most {_PLACES} decimal places")


def _check_key(budget: Budget) -> None:
    """Refuse a key that no call can ever have."""
    if (budget.scope == "all") != (budget.key == ""):
        raise BudgetInvalid("a budget names what it is for; only one for everything has no key")
    if budget.key in ("", "*"):
        return
    if budget.scope in ("guild", "channel", "person") and not _ID.fullmatch(budget.key):
        raise BudgetInvalid(f"a {budget.scope} is named by its id, digits only")
    if budget.scope == "purpose" and budget.key not in set(Purpose):
        raise BudgetInvalid("there is no such purpose", hint=f"There are {', '.join(Purpose)}, or *.")
    if clean_name(budget.key) != budget.key:
        raise BudgetInvalid(f"that is no name of a {budget.scope}")
