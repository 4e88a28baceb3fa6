"""The prices that the package ``genai-prices`` lists, where the extra ``prices`` is installed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from wompcore.config import Price
from wompcore.money import ZERO

_CLASSES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "audio": "input_audio_mtok",
}
_HOURS = ("audio_hours", "input_audio_hours")  # two names for one price; older versions have neither


def installed_list() -> GenaiPrices | None:
    """Return the list, ``None`` when it is not installed."""
    if find_spec("genai_prices") is None:
        return None
    import genai_prices

    return GenaiPrices(genai_prices)


@dataclass(frozen=True, slots=True)
class GenaiPrices:
    """Looks prices up in the data that the package ships; nothing is downloaded.

    Args:
        package: The imported package.
    """

    package: ModuleType

    def look_up(self, provider: str, model: str, at: datetime, input_tokens: int | None) -> Price | None:
        """Return a model's price at a time, if the provider and exactly this model are listed.

        Args:
            provider: Its id in the package, or the host name of its API.
            model: The model's exact id.
            at: When it is asked.
            input_tokens: Tokens of the prompt, which choose between prices in steps; the dearest step when
                they are not known yet.
        """
        who = {"provider_api_url": f"https://{provider}/"} if "." in provider else {"provider_id": provider}
        try:
            listed = self.package.calc_price(
                self.package.Usage(), model_ref=model, genai_request_timestamp=at, **who
            )
        except LookupError:
            return None
        if listed.model.id != model:  # the package also knows names that only look alike
            return None
        known = {name: getattr(listed.model_price, key) for name, key in _CLASSES.items()}
        prices = {name: _step(price, input_tokens) for name, price in known.items() if price is not None}
        hours = (getattr(listed.model_price, key, None) for key in _HOURS)
        if an_hour := next((price for price in hours if price), None):
            prices["audio_minute"] = _step(an_hour, input_tokens) / 60
        if not prices:
            return None
        per_thousand = _step(listed.model_price.requests_kcount or ZERO, input_tokens)
        return Price.model_validate({"input": ZERO, "output": ZERO, **prices, "request": per_thousand / 1000})


def _step(price: Any, input_tokens: int | None) -> Decimal:
    if isinstance(price, Decimal):
        return price
    reached = [step.price for step in price.tiers if input_tokens is None or step.start < input_tokens]
    return Decimal(max([price.base, *reached]) if input_tokens is None else [price.base, *reached][-1])
