"""The running bot's numbers and sign of life, served to those who watch over it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import discord

from wompbot_cogs.settings import MetricsSettings
from wompcore.errors import PortTaken

if TYPE_CHECKING:
    from wompbot_cogs.alerts import Alerts
    from wompcore.core import Core
    from wompcore.db import Database, Listener
    from wompcore.observe.prometheus import PrometheusMeter


def meter_for(settings: MetricsSettings) -> PrometheusMeter | None:
    """Return what takes the numbers; ``None`` when there is no port to show them at.

    Raises:
        ExtraMissing: The extra ``metrics`` is not installed.
    """
    if not settings.port:
        return None
    from wompcore.observe.prometheus import PrometheusMeter

    return PrometheusMeter()


@asynccontextmanager
async def watched_over(
    settings: MetricsSettings,
    meter: PrometheusMeter | None,
    core: Core,
    bot: discord.AutoShardedClient,
    alerts: Alerts,
) -> AsyncIterator[None]:
    """Serve ``/metrics`` and ``/healthz`` while the context lasts, if there is a meter.

    Args:
        settings: Where.
        meter: What :func:`meter_for` returned.
        core: The open library.
        bot: The Discord side, connected or not.
        alerts: What the owners must hear.

    Raises:
        PortTaken: Nothing can listen there.
    """
    if meter is None:
        yield
        return
    from wompcore.observe.health import health_server

    def notes() -> Mapping[str, Any]:
        states = core.llm.breakers().items()
        breakers = {f"{model} at {address}": state for (address, model), state in states}
        return {"breakers": breakers, "untold_alerts": alerts.untold}

    looks = {
        "database": partial(look_at_database, core.db),
        "gateway": partial(look_at_gateway, bot),
        "notify": partial(look_at_link, core.listener),
    }
    server = health_server(settings.host, settings.port, meter=meter, looks=looks, notes=notes)
    async with AsyncExitStack() as stack:
        stack.callback(meter.watch("untold_alerts", lambda: [({}, alerts.untold)]))
        try:
            await stack.enter_async_context(server)
        except PortTaken as error:
            error.hint = "Set metrics.port to another, or to 0 for none."
            raise
        yield


async def look_at_database(db: Database) -> str:
    """Ask the database for a sign of life; raises when there is none."""
    await db.fetch_value("SELECT 1")
    return ""


async def look_at_gateway(bot: discord.AutoShardedClient) -> str:
    """Return what is wrong with the connection to Discord, if anything."""
    shards = bot.shards
    closed = [str(number) for number, shard in shards.items() if shard.is_closed()]
    if len(closed) == len(shards):
        return "not connected"
    if closed:
        return f"shard {', '.join(closed)} not connected"
    return "" if bot.is_ready() else "connected, and not ready yet"


async def look_at_link(listener: Listener) -> str:
    """Return what is wrong with the link that brings what other processes tell, if anything."""
    down_since = listener.down_since
    return "" if down_since is None else f"down for {time.monotonic() - down_since:.0f} s"
