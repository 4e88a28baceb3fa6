"""What the ledger writes: a reservation of a call before it is made, an entry when it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from wompcore.config import Price
from wompcore.costs.call import BACKGROUND, Call, Reservation, expected_usage, storable, worst_usage
from wompcore.costs.prices import PriceBook, PriceSource, cost_of, worst_cost_of
from wompcore.ids import EntryIds
from wompcore.money import ZERO, Usd
from wompcore.repos.costs_ledger import CostEntry, ReservationRow
from wompcore.usage import Usage

Outcome = Literal["ok", "failed", "cancelled"]


class Entries:
    """Makes rows of calls.

    Args:
        prices: What tokens cost.
        ids: Makes the entries' ids.
        may_name: Whether a person may stand in an entry.
        sweep_after: When an open reservation counts as lost.
    """

    def __init__(
        self, prices: PriceBook, ids: EntryIds, may_name: Callable[[int], bool], sweep_after: timedelta
    ) -> None:
        self._prices = prices
        self._ids = ids
        self._may_name = may_name
        self._sweep_after = sweep_after

    def wanted(self, call: Call, now: datetime) -> tuple[Reservation, ReservationRow]:
        """Return the reservation of a call, and the row that keeps it.

        Raises:
            UnknownPrice: The model has no price.
        """
        price, source = self._price(call, now)
        most = worst_usage(call)
        likely = expected_usage(call, most)
        worst = worst_cost_of(most, price)
        reservation = Reservation(self._ids.next(now), call, now, worst, most.input + most.output)
        lost = replace(most, estimated=True)
        return reservation, ReservationRow(
            self._entry(reservation, lost, "swept", price, source, worst),
            expected_usd=min(cost_of(likely, price), worst),
            expected_tokens=likely.input + likely.output,
            background=call.attribution.purpose in BACKGROUND,
            expires_at=now + self._sweep_after,
        )

    def settled(self, reservation: Reservation, usage: Usage, outcome: Outcome) -> CostEntry:
        """Return the entry of a call that was made."""
        usage = storable(usage)
        price, source = self._price(reservation.call, reservation.at, usage.input)
        by_price = cost_of(usage, price)
        if usage.cost is None:
            return self._entry(reservation, usage, outcome, price, source, by_price)
        return self._entry(reservation, usage, outcome, price, "provider", usage.cost, by_price)

    def _entry(
        self,
        reservation: Reservation,
        usage: Usage,
        outcome: Outcome | Literal["swept"],
        price: Price,
        source: PriceSource,
        cost: Usd,
        estimate: Usd | None = None,
    ) -> CostEntry:
        call, what_for = reservation.call, reservation.call.attribution
        tokens = usage.input + usage.output
        named = what_for.person_id is None or self._may_name(what_for.person_id)
        return CostEntry(
            id=reservation.id,
            provider=call.provider,
            model=call.model,
            purpose=what_for.purpose,
            plugin=what_for.plugin,
            guild_id=what_for.guild_id,
            channel_id=what_for.channel_id,
            person_id=what_for.person_id if named else None,
            message_id=what_for.message_id if named else None,
            input_tokens=usage.input,
            output_tokens=usage.output,
            cached_tokens=usage.cached_input,
            cost_usd=cost,
            price_source=source,
            estimated=usage.estimated,
            outcome=outcome,
            cache_write_tokens=usage.cache_write,
            reasoning_tokens=usage.reasoning,
            images=usage.images,
            audio_tokens=usage.audio,
            audio_s=usage.audio_s or None,
            price=price.model_dump_json(exclude_defaults=True),
            estimate_usd=estimate,
            reserved_usd=reservation.worst_usd,
            above_reserved=cost > reservation.worst_usd or tokens > reservation.worst_tokens,
            payer_id=None if named else what_for.person_id,
            swept=outcome == "swept",
        )

    def _price(self, call: Call, at: datetime, input_tokens: int | None = None) -> tuple[Price, PriceSource]:
        if call.fixed_cost is not None:
            return Price(input=ZERO, output=ZERO, request=call.fixed_cost), "settings"
        return self._prices.look_up(call.provider, call.model, at, input_tokens)
