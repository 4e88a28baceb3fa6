"""From what an owner typed to a budget. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from wompcore.costs import Budget
from wompcore.errors import BudgetInvalid
from wompcore.money import usd
from wompcore.repos.costs_budgets import Action, Unit
from wompcore.text import clean_name
from wompcore.usage import Purpose

Scope = Literal["everything", "guild", "channel", "person", "plugin", "purpose", "model"]
Window = Literal["hour", "day", "month", "total"]

EACH = "*"
_IDS = {
    "guild": re.compile(r"()([0-9]{1,19})"),
    "channel": re.compile(r"(<#)?([0-9]{1,19})(?(1)>)"),
    "person": re.compile(r"(<@!?)?([0-9]{1,19})(?(1)>)"),
}
_LONGEST = 40
_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")  # a comma elsewhere is somebody's decimal point


def wanted(
    scope: Scope,
    amount: str | None,
    *,
    key: str | None,
    here: int | None,
    window: Window,
    unit: Unit,
    action: Action | None,
    background: str | None,
    step: str | None,
    zone: str,
) -> Budget:
    """Return the budget that was asked for.

    Args:
        scope: What it is for.
        amount: What may be spent; ``None`` to be told of steps only.
        key: Which one: an id, a mention or a name; ``*`` for each one on its own; ``None`` for this guild.
        here: The guild the owner is in.
        window: The window of time.
        unit: What the amounts count.
        action: What is done with a call beyond it; it is refused when left out, told of without an amount.
        background: What may be spent before calls nobody waits for are stopped.
        step: Every multiple of it is told of.
        zone: The time zone whose days and months these are.

    Raises:
        BudgetInvalid: It cannot be read; says what and shows how it is written.
    """
    return Budget(
        scope="all" if scope == "everything" else scope,
        key=_key(scope, key, here),
        period=window,
        zone=zone.strip(),
        unit=unit,
        action=action or ("warn" if amount is None else "refuse"),
        amount=_amount(amount, unit),
        background_amount=_amount(background, unit),
        alert_step=_amount(step, unit),
    )


def _key(scope: Scope, key: str | None, here: int | None) -> str:
    text = (key or "").strip()
    if scope == "everything":
        if text:
            raise BudgetInvalid("a budget for everything has no key")
        return ""
    if scope == "guild" and not text and here is not None:
        return str(here)
    if text == EACH:
        return text
    if scope in _IDS:
        if not (found := _IDS[scope].fullmatch(text)):
            hint = f"Give an id or a mention, or {EACH} for each {scope} on its own."
            raise BudgetInvalid(f"that is no {scope}", hint=hint)
        return str(int(found[2]))
    if scope == "purpose" and text not in set(Purpose):
        raise BudgetInvalid("there is no such purpose", hint=f"There are {', '.join(Purpose)}, or {EACH}.")
    if not text or clean_name(text) != text:
        raise BudgetInvalid(f"that is no name of a {scope}", hint=f"`/spend month by: {scope}` shows names.")
    return text


def _amount(text: str | None, unit: Unit) -> Decimal | None:
    if text is None:
        return None
    written = text.strip().removeprefix("$")
    if _THOUSANDS.fullmatch(written):
        written = written.replace(",", "")
    try:
        amount = usd(written) if len(written) <= _LONGEST else None
    except ValueError:
        amount = None
    if amount is None:
        raise BudgetInvalid("that is no amount", hint="Write 5, 0.25 or 1,000.")
    if unit == "tokens" and amount != amount.to_integral_value():
        raise BudgetInvalid("tokens are counted whole", hint="Write 50000 or 50,000.")
    return amount
