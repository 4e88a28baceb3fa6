"""Money as exact decimals, in US dollars."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

Usd: TypeAlias = Decimal
"""An exact amount of US dollars. Never a float."""

ZERO: Usd = Decimal(0)

_MILLION = Decimal(1_000_000)


def usd(value: str | int | Decimal) -> Usd:
    """Return an exact amount.

    Args:
        value: Dollars, as text, whole number or decimal.

    Raises:
        TypeError: The value is a float, which has no exact amount.
        ValueError: The value is not a finite number.
    """
    if isinstance(value, float):
        raise TypeError("money is exact: write the amount as text, not as a float")
    try:
        amount = Decimal(value)
    except ArithmeticError as error:
        raise ValueError(f"{value!r} is not an amount of money") from error
    if not amount.is_finite():
        raise ValueError(f"{value!r} is not an amount of money")
    return amount


def per_million(tokens: int, price: Usd) -> Usd:
    """Return what ``tokens`` cost at ``price`` dollars per million tokens, exactly."""
    return tokens * price / _MILLION


def show_usd(amount: Usd) -> str:
    """Return an amount as people read it: cents, or up to six places below one cent."""
    places = "0.01" if amount == 0 or abs(amount) >= Decimal("0.01") else "0.000001"
    return f"${amount.quantize(Decimal(places), rounding=ROUND_HALF_UP):,}"
