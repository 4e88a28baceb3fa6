"""Money: every paid call is recorded once, exactly, with what it was for."""

from __future__ import annotations

from wompcore.costs.ledger import Call, Ledger, Reservation
from wompcore.costs.prices import PriceBook, PriceSource, cost_of

__all__ = ["Call", "Ledger", "PriceBook", "PriceSource", "Reservation", "cost_of"]
