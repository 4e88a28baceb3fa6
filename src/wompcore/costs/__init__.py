"""Money: every paid call is recorded once, exactly, with what it was for."""

from __future__ import annotations

from wompcore.costs.ledger import Call, Ledger, Reservation
from wompcore.costs.prices import PriceBook, PriceSource, cost_of
from wompcore.costs.report import EVERYWHERE, CostReport, MonthReport

__all__ = [
    "EVERYWHERE",
    "Call",
    "CostReport",
    "Ledger",
    "MonthReport",
    "PriceBook",
    "PriceSource",
    "Reservation",
    "cost_of",
]
