"""What the owner sees of the plugins, of a bot that runs and of one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from wompbot_cogs.app import App
from wompbot_cogs.errors import ConsentAwaited
from wompbot_cogs.guild_permissions import lacking
from wompbot_cogs.hooks import healths
from wompbot_cogs.host import Found, discover
from wompbot_cogs.host.provision import consented
from wompbot_cogs.host.wanted import decision, is_wanted
from wompcore.clock import Clock
from wompcore.db import Database, migrations_in, pending_migrations
from wompcore.money import ZERO, Usd
from wompcore.repos.costs import CostRepository
from wompcore.repos.plugins import PluginRepository, PluginWish

_MANY = 1000


@dataclass(frozen=True, slots=True)
class PluginRow:
    """One line of ``wompbot plugins list``.

    Args:
        id: The plugin.
        state: As in :class:`wompbot_cogs.states.PluginState`; of a bot that does not run ``ready`` for
            what it would load.
        version: The version that runs, or that is installed.
        summary: What it does.
        since: When it went live.
        tasks: Tasks it runs now.
        memory_bytes: See :func:`wompbot_cogs.host.footprint.footprint`; ``None`` of what is not loaded.
        errors: Errors since it went live.
        spent_usd: What its calls cost in this UTC month.
        problem: Why it is not live, why its last update was refused, or what of it is not finished.
        retry_at: When a plugin in quarantine is tried again.
        decision: Why it is to run or not, where its owner or the settings decided that.
        health: What it says of itself, where it says anything.
        well: Whether it can do its work; ``None`` when it does not say.
        lacks: Permissions that it declares and the bot lacks: a line per server, of a running bot.
    """

    id: str
    state: str
    version: str
    summary: str = ""
    since: datetime | None = None
    tasks: int = 0
    memory_bytes: int | None = None
    errors: int = 0
    spent_usd: Usd = ZERO
    problem: str = ""
    retry_at: datetime | None = None
    decision: str = ""
    health: str = ""
    well: bool | None = None
    lacks: tuple[str, ...] = ()


async def rows_of(app: App) -> list[PluginRow]:
    """Return the plugins of a running bot, by id."""
    spent = await _spent(app.core.repos.costs, app.core.clock)
    memory = await app.host.memory()
    health = await healths(app.hooks)
    lacks = lacking(app.bot.guilds, app.host.permissions())
    return [
        PluginRow(
            state.id,
            state.state,
            state.version,
            state.summary,
            state.since,
            state.tasks,
            memory.get(state.id),
            state.errors,
            spent.get(state.id, ZERO),
            state.problem,
            state.retry_at,
            state.decision,
            health[state.id].text if state.id in health else "",
            health[state.id].well if state.id in health else None,
            lacks.get(state.id, ()),
        )
        for state in await app.host.look()
    ]


async def rows_at_rest(db: Database, clock: Clock, listed: Collection[str] = ()) -> list[PluginRow]:
    """Return what is installed, and what a bot would make of it. No code of a plugin is run.

    Args:
        db: The open database.
        clock: Tells which month it is.
        listed: ``bot.plugins``; empty for all.
    """
    found = await asyncio.to_thread(discover)
    wishes: Mapping[str, PluginWish] = {}
    spent: Mapping[str, Usd] = {}
    if not await pending_migrations(db, "core", migrations_in("wompcore.repos")):
        wishes = await PluginRepository(db).wishes()
        spent = await _spent(CostRepository(db), clock)
    return [
        _row(plugin, wishes.get(id_, PluginWish(id_, "", enabled=True)), listed, spent.get(id_, ZERO))
        for id_, plugin in sorted(found.items())
    ]


def _row(plugin: Found, wish: PluginWish, listed: Collection[str], spent: Usd) -> PluginRow:
    manifest, problem = plugin.manifest, plugin.problem.problem if plugin.problem else ""
    version, summary = (manifest.version, manifest.summary) if manifest else ("?", "")
    state, retry_at = "ready", None
    if wish.quarantined:
        state, problem, retry_at = "quarantined", wish.reason, wish.retry_at
    elif not is_wanted(wish, listed):
        state = "off"
    elif manifest is None:
        state = "failed"
    else:
        try:
            consented(wish, plugin)
        except ConsentAwaited as error:
            state, problem = "failed", error.problem
    return PluginRow(
        plugin.id,
        state,
        version,
        summary,
        spent_usd=spent,
        problem=problem,
        retry_at=retry_at,
        decision=decision(wish, listed),
    )


async def _spent(costs: CostRepository, clock: Clock) -> dict[str, Usd]:
    totals = await costs.by_plugin(0, clock.now(), limit=_MANY)
    return {total.key: total.cost_usd for total in totals}
