"""Prices are looked up exactly and multiplied exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.config import CostSettings, Price
from wompcore.costs import PriceBook, cost_of
from wompcore.errors import UnknownPrice
from wompcore.usage import Usage

TOKENS = st.integers(0, 2**31 - 1)
DOLLARS = st.decimals(0, 10_000, places=9)


def price(input_: str, output: str) -> Price:
    return Price(input=Decimal(input_), output=Decimal(output))


def test_the_shipped_table_prices_the_documented_models() -> None:
    book = PriceBook.shipped(CostSettings())
    assert book.look_up("openrouter", "deepseek/deepseek-chat") == (price("0.14", "0.28"), "table")
    assert book.look_up("openrouter", "google/gemini-2.0-flash-001") == (price("0.125", "0.5"), "table")


def test_the_offline_model_is_free() -> None:
    cost, source = PriceBook.shipped(CostSettings()).price("offline", "offline-1", Usage(10, 10))
    assert cost == 0
    assert source == "table"


def test_a_cost_the_provider_reports_wins() -> None:
    book = PriceBook.shipped(CostSettings(prices={"openai/gpt-4o": price("1", "1")}))
    usage = Usage(input=1_000_000, cost=Decimal("0.0123"))
    assert book.price("openrouter", "openai/gpt-4o", usage) == (Decimal("0.0123"), "provider")


def test_the_operators_price_wins_over_the_table() -> None:
    book = PriceBook.shipped(CostSettings(prices={"openai/gpt-4o": price("1", "2")}))
    assert book.price("openrouter", "openai/gpt-4o", Usage(1_000_000, 500_000)) == (Decimal(2), "settings")


def test_the_default_price_is_only_for_models_in_no_list() -> None:
    book = PriceBook.shipped(CostSettings(default_price=price("1", "2")))
    assert book.look_up("local", "my-own-model") == (price("1", "2"), "default")
    assert book.look_up("openrouter", "openai/gpt-4o")[1] == "table"


def test_an_unknown_model_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownPrice, match=r"'gpt-4o-mini' of openai") as caught:
        PriceBook.shipped(CostSettings()).price("openai", "gpt-4o-mini", Usage(1, 1))
    assert "costs.prices" in caught.value.hint


def test_prices_are_for_exact_model_ids_only() -> None:
    with pytest.raises(UnknownPrice):
        PriceBook.shipped(CostSettings()).look_up("openrouter", "openai/gpt-4o-2024")


def test_cached_input_costs_its_own_price_when_one_is_set() -> None:
    cheaper = Price(input=Decimal(3), output=Decimal(15), cached_input=Decimal("0.3"))
    usage = Usage(input=1_000_000, output=0, cached_input=400_000)
    assert cost_of(usage, cheaper) == Decimal("1.92")
    assert cost_of(usage, price("3", "15")) == 3


def test_writing_to_the_cache_costs_its_own_price_when_one_is_set() -> None:
    dearer = Price(input=Decimal(3), output=Decimal(15), cache_write=Decimal("3.75"))
    usage = Usage(input=1_000_000, output=0, cache_write=400_000)
    assert cost_of(usage, dearer) == Decimal("3.3")
    assert cost_of(usage, price("3", "15")) == 3


CLASSES = st.builds(Usage, TOKENS, TOKENS, cached_input=TOKENS, cache_write=TOKENS)
PRICES = st.builds(
    Price, input=DOLLARS, output=DOLLARS, cached_input=st.none() | DOLLARS, cache_write=st.none() | DOLLARS
)


@given(CLASSES, PRICES)
def test_costs_are_exact(usage: Usage, price: Price) -> None:
    cached = min(usage.cached_input, usage.input)
    written = min(usage.cache_write, usage.input - cached)
    exact = (
        (usage.input - cached - written) * Fraction(price.input)
        + cached * Fraction(price.input if price.cached_input is None else price.cached_input)
        + written * Fraction(price.input if price.cache_write is None else price.cache_write)
        + usage.output * Fraction(price.output)
    )
    assert Fraction(cost_of(usage, price)) == exact / 1_000_000
