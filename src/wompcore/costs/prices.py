"""What tokens cost."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal, localcontext
from importlib.resources import files
from typing import Literal, Protocol

from wompcore.config import CostSettings, Price
from wompcore.errors import UnknownPrice
from wompcore.money import ZERO, Usd, per_million
from wompcore.usage import Usage

PriceSource = Literal["provider", "settings", "genai-prices", "table", "default"]
"""Who knew the price. Asked in this order: the answer itself, the settings, the package ``genai-prices``
when it is installed, our table, the default."""

# Decimal arithmetic rounds to the context's digits; a bigint of tokens times any listed price has fewer.
_EXACT = Context(prec=100)


class PriceList(Protocol):
    """A list of prices that somebody else keeps."""

    def look_up(self, provider: str, model: str, at: datetime, input_tokens: int | None) -> Price | None:
        """Return a model's price at a time, if it is listed; the dearest when the tokens are not known."""
        ...


class PriceBook:
    """Prices per model id, exact match only: a price is never guessed from a similar name.

    Args:
        settings: The operator's prices, which win over the lists.
        table: Price per model id.
        listed: A list that is kept elsewhere and wins over the table.
    """

    def __init__(
        self, settings: CostSettings, table: Mapping[str, Price], listed: PriceList | None = None
    ) -> None:
        self._settings = settings
        self._table = table
        self._listed = listed

    @classmethod
    def shipped(cls, settings: CostSettings) -> PriceBook:
        """Return the book over the table that comes with the library, ``prices.toml``."""
        return cls(settings, _shipped_table())

    @classmethod
    def installed(cls, settings: CostSettings) -> PriceBook:
        """Return the shipped book, over ``genai-prices`` where that extra is installed."""
        from wompcore.costs.genai import installed_list

        return cls(settings, _shipped_table(), installed_list())

    def look_up(
        self, provider: str, model: str, at: datetime | None = None, input_tokens: int | None = None
    ) -> tuple[Price, PriceSource]:
        """Return a model's price and where it comes from.

        Args:
            provider: Who is asked; a price set for ``provider:model`` wins over one for the model.
            model: The model's exact id.
            at: When it is asked; now when left out.
            input_tokens: Tokens of the prompt; where the price depends on them and they are left out, it is
                the dearest.

        Raises:
            UnknownPrice: The model is in no list and there is no default price.
        """
        at = at or datetime.now(UTC)
        for name in (f"{provider}:{model}", model):
            if price := _valid(self._settings.prices.get(name, ()), at):
                return price, "settings"
        if self._listed and (price := self._listed.look_up(provider, model, at, input_tokens)):
            return price, "genai-prices"
        if price := self._table.get(model):
            return price, "table"
        if price := self._settings.default_price:
            return price, "default"
        raise UnknownPrice(model, provider)

    def price(
        self, provider: str, model: str, usage: Usage, at: datetime | None = None
    ) -> tuple[Usd, PriceSource]:
        """Return what a call cost, exactly, and where its price comes from.

        Raises:
            UnknownPrice: The provider reported no cost and the model has no price.
        """
        if usage.cost is not None:
            return usage.cost, "provider"
        price, source = self.look_up(provider, model, at, usage.input)
        return cost_of(usage, price), source


def cost_of(usage: Usage, price: Price) -> Usd:
    """Return what a call cost: each class of token at its own price, or at its wider class's."""
    cached = min(usage.cached_input, usage.input)
    written = min(usage.cache_write, usage.input - cached)
    audio = min(usage.audio, usage.input - cached - written)
    reasoning = min(usage.reasoning, usage.output)
    classes = (
        (usage.input - cached - written - audio, price.input),
        (cached, _or(price.cached_input, price.input)),
        (written, _or(price.cache_write, price.input)),
        (audio, _or(price.audio, price.input)),
        (usage.output - reasoning, price.output),
        (reasoning, _or(price.reasoning, price.output)),
    )
    return _sum(classes, usage, price)


def worst_cost_of(usage: Usage, price: Price) -> Usd:
    """Return the most that so many tokens can cost: all of the dearest class they may belong to."""
    inputs = (price.input, price.cached_input or ZERO, price.cache_write or ZERO, price.audio or ZERO)
    outputs = (price.output, price.reasoning or ZERO)
    return _sum(((usage.input, max(inputs)), (usage.output, max(outputs))), usage, price)


def _sum(classes: Iterable[tuple[int, Usd]], usage: Usage, price: Price) -> Usd:
    with localcontext(_EXACT):
        cost = price.request + sum(per_million(tokens, each) for tokens, each in classes if tokens)
        if usage.audio_s:
            cost += Decimal(str(usage.audio_s)) * price.audio_minute / 60
        return cost + usage.images * price.image if usage.images else cost


def _shipped_table() -> Mapping[str, Price]:
    text = files("wompcore.costs").joinpath("prices.toml").read_text(encoding="utf-8")
    models = tomllib.loads(text, parse_float=Decimal)["models"]
    return {model: Price.model_validate(price) for model, price in models.items()}


def _or(price: Usd | None, wider: Usd) -> Usd:
    return wider if price is None else price


def _valid(prices: Price | tuple[Price, ...], at: datetime) -> Price | None:
    """Return the newest of the prices that is valid on that day."""
    day = at.astimezone(UTC).date()
    dated = (prices,) if isinstance(prices, Price) else prices
    valid = [price for price in dated if price.since is None or price.since <= day]
    return max(valid, key=lambda price: (price.since is not None, price.since), default=None)
