"""Each class of token has its price, from the day it begins, for the provider that charges it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.config import CostSettings, Price
from wompcore.costs import Call, PriceBook, cost_of
from wompcore.costs.call import expected_usage, worst_usage
from wompcore.costs.prices import worst_cost_of
from wompcore.usage import Attribution, Purpose, Usage

AT = datetime(2026, 11, 23, tzinfo=UTC)
TOKENS = st.integers(0, 2**31 - 1)
DOLLARS = st.decimals(0, 1_000, places=6)
SECONDS = st.floats(0, 90_000)
MAYBE = st.none() | DOLLARS
PRICES = st.builds(
    Price, input=DOLLARS, output=DOLLARS, cached_input=MAYBE, cache_write=MAYBE, reasoning=MAYBE, audio=MAYBE,
    audio_minute=DOLLARS, image=DOLLARS, request=DOLLARS,
)  # fmt: skip
CALLS = st.builds(
    Call, st.just("p"), st.just("m"), st.just(Attribution(Purpose.CHAT)), max_output_tokens=TOKENS,
    max_input_tokens=TOKENS, max_audio_s=SECONDS, images=st.integers(0, 9),
)  # fmt: skip


def test_sound_may_be_charged_by_the_minute_and_to_the_second() -> None:
    price = Price(input=Decimal(0), output=Decimal(0), audio_minute=Decimal("0.006"))
    assert cost_of(Usage(output=9, audio_s=90.5), price) == Decimal("0.00905")


def test_reasoning_sound_images_and_calls_have_prices_of_their_own() -> None:
    price = Price(
        input=Decimal(1), output=Decimal(2), reasoning=Decimal(3), audio=Decimal(4),
        image=Decimal("0.5"), request=Decimal("0.25"),
    )  # fmt: skip
    usage = Usage(1_000_000, 1_000_000, reasoning=500_000, audio=500_000, images=2)
    assert cost_of(usage, price) == Decimal("0.5") + 2 + 1 + Decimal("1.5") + 1 + Decimal("0.25")


@given(CALLS, PRICES, st.data())
def test_nothing_within_a_calls_bounds_costs_more_than_its_worst_case(
    call: Call, price: Price, data: st.DataObject
) -> None:
    most = worst_usage(call)
    usage = Usage(
        data.draw(st.integers(0, most.input)),
        data.draw(st.integers(0, most.output)),
        data.draw(TOKENS),
        data.draw(TOKENS),
        data.draw(TOKENS),
        audio=data.draw(TOKENS),
        audio_s=data.draw(st.floats(0, call.max_audio_s)),
        images=call.images,
    )
    assert Fraction(cost_of(usage, price)) <= Fraction(worst_cost_of(most, price))


@given(CALLS, PRICES)
def test_what_is_expected_lies_within_the_worst_case(call: Call, price: Price) -> None:
    most = worst_usage(call)
    expected = expected_usage(call, most)
    assert cost_of(expected, price) <= worst_cost_of(most, price)
    assert expected.input <= most.input


def test_a_price_is_valid_from_its_day_and_for_its_provider() -> None:
    settings = CostSettings.model_validate(
        {
            "prices": {
                "m": [{"input": 1, "output": 1}, {"input": 2, "output": 2, "since": "2026-11-23"}],
                "cheap:m": {"input": "0.5", "output": "0.5"},
            }
        }
    )
    book = PriceBook(settings, {})
    assert book.look_up("p", "m", AT.replace(day=22))[0].input == 1
    assert book.look_up("p", "m", AT)[0].input == 2
    assert book.look_up("cheap", "m", AT)[0].input == Decimal("0.5")


class Listed:
    def look_up(self, provider: str, model: str, at: datetime, input_tokens: int | None) -> Price | None:
        dear = input_tokens is None or input_tokens > 1000
        return Price(input=Decimal(2 if dear else 1), output=Decimal(0)) if model == "m" else None


def test_a_list_that_is_kept_elsewhere_stands_between_settings_and_table() -> None:
    table = {name: Price(input=Decimal(9), output=Decimal(9)) for name in ("m", "n")}
    book = PriceBook(CostSettings(), table, Listed())
    assert book.look_up("p", "m", AT)[1] == "genai-prices"
    assert book.look_up("p", "n", AT)[1] == "table"
    assert book.price("p", "m", Usage(1000)) == (Decimal("0.001"), "genai-prices")
    assert book.price("p", "m", Usage(1001)) == (Decimal("0.002002"), "genai-prices")


def test_the_installed_list_agrees_with_its_package() -> None:
    genai = pytest.importorskip("genai_prices")
    book = PriceBook.installed(CostSettings())
    for provider, model, tokens in [
        ("openrouter.ai", "openai/gpt-4o", 1_000),
        ("openai", "gpt-4o-mini", 1_000),
        ("google", "gemini-2.5-pro", 100_000),
        ("google", "gemini-2.5-pro", 300_000),
    ]:
        usage = genai.Usage(input_tokens=tokens, output_tokens=500)
        theirs = genai.calc_price(
            usage, model, provider_id=provider.removesuffix(".ai"), genai_request_timestamp=AT
        )
        assert book.price(provider, model, Usage(tokens, 500), AT) == (theirs.total_price, "genai-prices")
    dearest = book.look_up("google", "gemini-2.5-pro", AT)[0]
    assert dearest.input > book.look_up("google", "gemini-2.5-pro", AT, 1_000)[0].input
    assert book.look_up("offline", "offline-1", AT)[1] == "table"


def test_the_installed_list_knows_sound_by_the_minute() -> None:
    pytest.importorskip("genai_prices")
    price, source = PriceBook.installed(CostSettings()).look_up("api.openai.com", "whisper-1", AT)
    assert (price.audio_minute, source) == (Decimal("0.006"), "genai-prices")
