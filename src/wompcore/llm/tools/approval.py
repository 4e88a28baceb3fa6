"""Who speaks for the asker before something is changed in their name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wompcore.usage import Attribution


@dataclass(frozen=True, slots=True)
class Act:
    """Something a model wants done in a person's name.

    Args:
        tool: The tool's name.
        description: What it does, in the tool's words.
        right: The right the asker needs for it; empty when everybody may.
        arguments: Validated, by name.
        attribution: Who asked, and where.
    """

    tool: str
    description: str
    right: str
    arguments: Mapping[str, Any]
    attribution: Attribution


class Approver(Protocol):
    """Answers for the asker: what they may do, and whether they want it done."""

    async def permits(self, act: Act) -> bool:
        """Whether the asker has the right that the act needs, in the guild they asked in."""
        ...

    async def confirms(self, act: Act) -> bool:
        """Ask the asker, and nobody else; silence is a no, and comes within a bounded time."""
        ...
