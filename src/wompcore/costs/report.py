"""What was spent this month, read from the running totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from wompcore.clock import Clock
from wompcore.costs.forecast import Forecast, forecast
from wompcore.ids import month_of
from wompcore.money import Usd
from wompcore.repos.costs import CostRepository, CostTotal

EVERYWHERE = 0
"""The guild id that stands for all of them."""


@dataclass(frozen=True, slots=True)
class MonthReport:
    """A month's spending; each list is the dearest first.

    Args:
        month: The month's name, such as ``November 2026``.
        total: Everything.
        people: By the person it was for; keys are ids.
        purposes: By what it was for.
        models: By the model that was asked.
        plugins: By the plugin that asked.
        channels: By the channel of a guild it was in; keys are ids.
        guilds: By guild; keys are ids. Empty for a single guild.
        days: What each UTC day cost; a day that is missing cost nothing.
        forecast: What the month will probably come to; ``None`` while too few days have passed.
    """

    month: str
    total: CostTotal
    people: tuple[CostTotal, ...] = ()
    purposes: tuple[CostTotal, ...] = ()
    models: tuple[CostTotal, ...] = ()
    plugins: tuple[CostTotal, ...] = ()
    channels: tuple[CostTotal, ...] = ()
    guilds: tuple[CostTotal, ...] = ()
    days: Mapping[date, Usd] = field(default_factory=dict)
    forecast: Forecast | None = None


class CostReport:
    """Reports what the current UTC month cost so far.

    Args:
        repository: Where the totals are.
        clock: Tells the month.
    """

    def __init__(self, repository: CostRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    def now(self) -> datetime:
        """Return the time that reports go by; its UTC month is the one they are of."""
        return self._clock.now()

    async def of_guild(self, guild_id: int = EVERYWHERE, *, limit: int = 5) -> MonthReport:
        """Return what a guild spent.

        Args:
            guild_id: The guild, or :data:`EVERYWHERE`.
            limit: Lines per list at most.
        """
        now, costs = self._clock.now(), self._repository
        if guild_id == EVERYWHERE:
            total = await costs.month_total(now)
            guilds = await costs.by_guild(now, limit=limit)
        else:
            total = await costs.month_total(now, "guild", str(guild_id))
            guilds = []
        days = {day: of.cost_usd for day, of in (await costs.by_day(guild_id, now)).items()}
        return MonthReport(
            f"{month_of(now):%B %Y}",
            total,
            tuple(await costs.by_person(guild_id, now, limit=limit)),
            tuple(await costs.by_purpose(guild_id, now, limit=limit)),
            tuple(await costs.by_model(guild_id, now, limit=limit)),
            tuple(await costs.by_plugin(guild_id, now, limit=limit)),
            tuple(await costs.by_channel(guild_id, now, limit=limit)),
            tuple(guilds),
            days,
            forecast(days, now),
        )

    async def of_person(self, person_id: int, guild_id: int = EVERYWHERE) -> MonthReport:
        """Return what was spent on a person, in a guild or everywhere."""
        now = self._clock.now()
        total = await self._repository.month_total(now, "person", str(person_id), guild_id)
        return MonthReport(f"{month_of(now):%B %Y}", total)
