"""All that may be known about money, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from wompcore.costs.budgets import Budgets
from wompcore.costs.export import CostExport
from wompcore.costs.report import CostReport


@dataclass(frozen=True, slots=True)
class Books:
    """What was spent, what may be spent, and every single call.

    Args:
        report: Sums of the current month.
        budgets: What may be spent.
        export: The calls themselves.
    """

    report: CostReport
    budgets: Budgets
    export: CostExport
