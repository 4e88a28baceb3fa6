"""The composition root: from settings to a bot with its plugins loaded, not connected yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

from wompbot_cogs._dpy import pointed_at
from wompbot_cogs.address import Address
from wompbot_cogs.alerts import Alerts
from wompbot_cogs.bot import WompBot
from wompbot_cogs.budgets import Known
from wompbot_cogs.capabilities import (
    PluginCache,
    PluginJobs,
    PluginMemory,
    PluginMessages,
    PluginModel,
    PluginSearch,
)
from wompbot_cogs.flow import MessageFlow
from wompbot_cogs.guilds import Guilds
from wompbot_cogs.health import meter_for, watched_over
from wompbot_cogs.history import HistoryFiller
from wompbot_cogs.hooks import Hooks, PluginHooks, erase_person, export_person
from wompbot_cogs.host import Host, PluginValues, Provision, make_host
from wompbot_cogs.manifest import Manifest
from wompbot_cogs.permissions import Permissions
from wompbot_cogs.reactions import ReactionFlow
from wompbot_cogs.scope import Scope
from wompbot_cogs.sender import DiscordSender
from wompbot_cogs.settings import BotSettings
from wompcore.clock import Clock
from wompcore.core import Core
from wompcore.costs import Books, CostExport, CostReport
from wompcore.memory import Memory
from wompcore.observe import SILENT
from wompcore.repos.recall import RecallRepository


@dataclass(frozen=True, slots=True)
class App:
    """Everything that runs. Made by :func:`open_app`.

    Args:
        settings: What it was opened with.
        core: The library's services.
        guilds: What each guild decided.
        permissions: Who may do what.
        bot: The Discord side.
        host: The plugins.
        hooks: What plugins implement.
        alerts: What the owners must hear.
    """

    settings: BotSettings
    core: Core
    guilds: Guilds
    permissions: Permissions
    bot: WompBot
    host: Host
    hooks: Hooks
    alerts: Alerts


@asynccontextmanager
async def open_app(
    settings: BotSettings,
    *,
    clock: Clock | None = None,
    temporary: bool = False,
    shard_count: int | None = None,
    plugin_values: PluginValues | None = None,
) -> AsyncIterator[App]:
    """Open the services, make the bot and load its plugins.

    Args:
        settings: The settings.
        clock: The time that limits and records go by; the system's when left out.
        temporary: Use an embedded database that is thrown away at the end.
        shard_count: Shards of the bot in all; ``None`` asks Discord.
        plugin_values: Reads what was set for plugins, anew for each version; ``settings`` once when left out.

    Raises:
        WompError: A service cannot be opened; says which and what to do.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(pointed_at(settings.discord.api_base))
        meter = meter_for(settings.metrics)
        core = await stack.enter_async_context(
            Core.open(settings, clock=clock, temporary=temporary, meter=meter or SILENT)
        )
        guilds = await stack.enter_async_context(Guilds.open(core.repos.guilds, core.listener))
        permissions = Permissions(guilds, settings.discord.owner_ids)
        flow = MessageFlow(
            core.consent,
            core.messages,
            guilds,
            Address(settings.discord.name),
            sees_content=settings.discord.message_content,
        )
        reactions = ReactionFlow(core.consent, flow)
        filler = HistoryFiller(core.repos.messages, core.messages, flow)
        bot = WompBot(
            settings.discord,
            flow=flow,
            reactions=reactions,
            filler=filler,
            permissions=permissions,
            guilds=core.repos.guilds,
            shard_count=shard_count,
        )

        costs = core.repos.costs
        memory = Memory(RecallRepository(core.db), core.consent)
        books = Books(CostReport(costs, core.clock), core.budgets, CostExport(costs), core.outbox.untold)
        alerts = await stack.enter_async_context(
            Alerts.open(
                core.budgets,
                core.outbox,
                costs,
                core.listener,
                channel_id=settings.discord.alert_channel,
                owners=lambda: settings.discord.owner_ids or permissions.super_admins,
                known=Known(core.consent.refuses, bot.guild_name),
            )
        )
        bot.add_listener(alerts.ready, "on_ready")
        await stack.enter_async_context(watched_over(settings.metrics, meter, core, bot, alerts))

        def offer(manifest: Manifest, scope: Scope) -> Mapping[str, Any]:
            plugin = manifest.id
            return {
                "add_buttons": bot.add_dynamic_items,
                "add_view": bot.add_view,
                "cache": PluginCache(core.cache, plugin),
                "claims": core.claims,
                "consent": core.consent,
                "costs": books,
                "decisions": guilds,
                "guilds": guilds,
                "hot_takes": core.hot_takes,
                "hooks": PluginHooks(hooks, plugin),
                "http": core.http.guarded,
                "jobs": PluginJobs(core.jobs, plugin, scope),
                "limits": core.limits,
                "llm": PluginModel(core.llm, plugin),
                "memory": PluginMemory(memory, guilds),
                "messages": PluginMessages(flow, reactions, bot.tree, core, scope, manifest),
                "notify": core.outbox,
                "permissions": permissions,
                "plugins": host,
                "privacy": core.privacy,
                "quotes": core.quotes,
                "search": PluginSearch(core.search, plugin),
            }

        hooks = Hooks()
        hooks.feed("messages_seen", lambda take: flow.kept.add(lambda message: take(copy(message))))
        hooks.feed("claims_found", core.claims.found.add)
        hooks.feed("costs_settled", core.ledger.settled.add)
        core.privacy.also_export(partial(export_person, hooks))
        core.privacy.also_erase(partial(erase_person, hooks))
        host = make_host(
            settings.bot,
            bot,
            Provision(offer, plugin_values or (lambda: settings.plugins), core.db, core.repos.holders),
            hooks,
            core.repos.plugins,
            core.clock,
            tell_owners=alerts.tell,
            changed=bot.sync_soon,
            slash_problem=lambda: bot.slash.problem,
        )
        bot.was_here = host.was_here
        bot.is_changing = host.is_changing
        stack.push_async_callback(bot.close)
        stack.push_async_callback(host.close)
        await host.open(core.listener, settings.bot.plugins)
        core.outbox.serve(DiscordSender(bot))
        core.jobs.start()
        stack.push_async_callback(core.jobs.stop)  # a job may need anything, so the worker goes first
        yield App(settings, core, guilds, permissions, bot, host, hooks, alerts)
