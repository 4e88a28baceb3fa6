"""Calls that people caused, booked without making them."""

from __future__ import annotations

from decimal import Decimal

from living_bot import Living
from wompcore.ids import snowflake_at
from wompcore.repos.costs import CostEntry

ELSEWHERE = 5


async def spend(
    living: Living, number: int, name: str, usd: str, *, guild_id: int | None = None, channel_id: int = 1
) -> None:
    """Book a call that somebody caused, here or in another server."""
    entry = CostEntry(
        id=snowflake_at(living.app.core.clock.now(), number),
        provider="local",
        model="small_*_model",
        purpose="claim_check",
        plugin="claims",
        guild_id=guild_id or living.guild.id,
        channel_id=channel_id,
        person_id=living.guild.member(name).id,
        message_id=None,
        input_tokens=1000,
        output_tokens=10,
        cached_tokens=0,
        cost_usd=Decimal(usd),
        price_source="test",
        estimated=False,
        outcome="ok",
    )
    await living.app.core.repos.costs.record([entry])
