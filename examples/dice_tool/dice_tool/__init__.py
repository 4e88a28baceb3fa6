"""A tool for the model: it asks, we roll, it answers."""

from __future__ import annotations

import secrets
from typing import Annotated

from pydantic import Field

from wompbot_cogs import Plugin, hookimpl
from wompcore.llm.tools import Tool, tool


@tool(effect="read", timeout_s=2.0)
async def roll_dice(
    sides: Annotated[int, Field(ge=2, le=1000)] = 6, count: Annotated[int, Field(ge=1, le=100)] = 1
) -> str:
    """Roll dice.

    Args:
        sides: How many sides each has.
        count: How many are rolled.
    """
    shown = [1 + secrets.randbelow(sides) for _ in range(count)]
    return f"{count} dice of {sides} sides show {shown}, together {sum(shown)}"


class Dice:
    """Offers the tool."""

    @hookimpl
    def tools(self) -> Tool:
        """Offer it to everybody, everywhere."""
        return roll_dice


plugin = Plugin(hooks=[lambda context: Dice()])
