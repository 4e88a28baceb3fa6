"""What tokens cost."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal, localcontext
from importlib.resources import files
from typing import Literal

from wompcore.config import CostSettings, Price
from wompcore.errors import UnknownPrice
from wompcore.money import Usd, per_million
from wompcore.usage import Usage

PriceSource = Literal["provider", "settings", "table", "default"]
"""Who knew the price. Asked in this order: the answer itself, the settings, our table, the default."""

# Decimal arithmetic rounds to the context's digits; a bigint of tokens times any listed price has fewer.
_EXACT_DIGITS = 100


class PriceBook:
    """Prices per model id, exact match only: a price is never guessed from a similar name.

    Args:
        settings: The operator's prices, which win over the table.
        table: Price per model id.
    """

    def __init__(self, settings: CostSettings, table: Mapping[str, Price]) -> None:
        self._settings = settings
        self._table = table

    @classmethod
    def shipped(cls, settings: CostSettings) -> PriceBook:
        """Return the book over the table that comes with the library, ``prices.toml``."""
        text = files("wompcore.costs").joinpath("prices.toml").read_text(encoding="utf-8")
        models = tomllib.loads(text, parse_float=Decimal)["models"]
        return cls(settings, {model: Price.model_validate(price) for model, price in models.items()})

    def look_up(self, provider: str, model: str) -> tuple[Price, PriceSource]:
        """Return a model's price and where it comes from.

        Raises:
            UnknownPrice: The model is in no list and there is no default price.
        """
        if price := self._settings.prices.get(model):
            return price, "settings"
        if price := self._table.get(model):
            return price, "table"
        if price := self._settings.default_price:
            return price, "default"
        raise UnknownPrice(model, provider)

    def price(self, provider: str, model: str, usage: Usage) -> tuple[Usd, PriceSource]:
        """Return what a call cost, exactly, and where its price comes from.

        Raises:
            UnknownPrice: The provider reported no cost and the model has no price.
        """
        if usage.cost is not None:
            return usage.cost, "provider"
        price, source = self.look_up(provider, model)
        return cost_of(usage, price), source


def cost_of(usage: Usage, price: Price) -> Usd:
    """Return what tokens cost: each class at its own price, those of the cache as input without one."""
    cached = min(usage.cached_input, usage.input)
    written = min(usage.cache_write, usage.input - cached)
    cached_price = price.input if price.cached_input is None else price.cached_input
    write_price = price.input if price.cache_write is None else price.cache_write
    with localcontext(prec=_EXACT_DIGITS):
        return (
            per_million(usage.input - cached - written, price.input)
            + per_million(cached, cached_price)
            + per_million(written, write_price)
            + per_million(usage.output, price.output)
        )
