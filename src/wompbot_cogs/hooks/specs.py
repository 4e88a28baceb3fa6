"""Every hook, with what holds for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from wompbot_cogs.hooks import results
from wompbot_cogs.hooks.marks import HookRules, hook
from wompcore.llm.tools import Tool
from wompcore.usage import Attribution


class HookSpecs(Protocol):
    """The hooks. An implementation may be plain or async, and may leave out arguments it does not need."""

    @hook(HookRules(results.tools, timeout_s=2.0))
    def tools(self, asker: Attribution) -> Tool | Iterable[Tool] | None:
        """Offer the model functions for one reply.

        A name that another plugin took is not offered; the conversation's own tools come first, then
        plugins in the order of their ids.

        Args:
            asker: Who asks, and where.
        """
        ...
