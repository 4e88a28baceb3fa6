"""All that may be known about money, in one hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from wompcore.costs.budgets import Budgets
from wompcore.costs.export import CostExport
from wompcore.costs.report import CostReport
from wompcore.jobs import Untold


@dataclass(frozen=True, slots=True)
class Books:
    """What was spent, what may be spent, and every single call.

    Args:
        report: Sums of the current month.
        budgets: What may be spent.
        export: The calls themselves.
        untold: Tells which alerts have reached nobody.
    """

    report: CostReport
    budgets: Budgets
    export: CostExport
    untold: Callable[[], Awaitable[Sequence[Untold]]]
