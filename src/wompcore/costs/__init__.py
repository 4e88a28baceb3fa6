"""Money: every paid call is recorded once, exactly, with what it was for, and within its budgets."""

from __future__ import annotations

from wompcore.costs.books import Books
from wompcore.costs.budgets import Budgets, BudgetUse
from wompcore.costs.call import Call, Reservation
from wompcore.costs.export import CostExport, month_named
from wompcore.costs.forecast import Forecast, forecast
from wompcore.costs.ledger import Ledger
from wompcore.costs.prices import PriceBook, PriceSource, cost_of
from wompcore.costs.report import EVERYWHERE, CostReport, MonthReport
from wompcore.repos.costs_budgets import Budget, Crossing, Used

__all__ = [
    "EVERYWHERE",
    "Books",
    "Budget",
    "BudgetUse",
    "Budgets",
    "Call",
    "CostExport",
    "CostReport",
    "Crossing",
    "Forecast",
    "Ledger",
    "MonthReport",
    "PriceBook",
    "PriceSource",
    "Reservation",
    "Used",
    "cost_of",
    "forecast",
    "month_named",
]
