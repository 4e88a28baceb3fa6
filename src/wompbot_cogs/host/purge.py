"""Removing a plugin for good: everything of it that is in the database."""

from __future__ import annotations

from wompbot_cogs.errors import PluginError, PluginUnknown
from wompbot_cogs.host.convergence import BEAT_S
from wompbot_cogs.host.discovery import discover
from wompcore.db import Database, drop_schema, forget_migrations
from wompcore.jobs import forget_jobs
from wompcore.repos.holders import HolderRepository
from wompcore.repos.plugins import PluginRepository, PluginWish


async def purge(db: Database, plugin: str) -> bool:
    """Remove a plugin's tables, role, jobs, declarations and what was decided about it.

    It may be done again when it was cut off. What is installed stays unloaded until somebody loads it.

    Args:
        db: The open database.
        plugin: Its id; it may be uninstalled already.

    Returns:
        Whether its role is gone, too; it stays while another database of the server uses it.

    Raises:
        PluginError: It runs, would run at the next start, or was never here.
    """
    states, holders = PluginRepository(db), HolderRepository(db)
    found = discover().get(plugin)
    wish = (await states.wishes()).get(plugin)
    schema = f"plugin_{plugin}"
    if found is not None and found.built_in:
        raise PluginError(plugin, "came with the bot", hint="`wompbot plugins unload` keeps it from running.")
    unload = f"Unload it first: `wompbot plugins unload {plugin}`."
    running = [process.process for process in await states.processes(3 * BEAT_S) if plugin in process.runs]
    if running:
        raise PluginError(plugin, f"is loaded by {', '.join(running)}", hint=unload)
    if found is not None and (wish is None or wish.enabled):
        raise PluginError(plugin, "would be loaded again at the next start", hint=unload)
    known = wish is not None or any(holder.owner == plugin for holder in await holders.all())
    if not known and not await db.fetch_value("SELECT to_regnamespace(%s) IS NOT NULL", [schema]):
        raise PluginUnknown(plugin, "was never here")
    gone = await drop_schema(db, schema)
    await forget_migrations(db, schema)
    await forget_jobs(db, f"plugin.{plugin}.")
    await holders.forget(plugin)
    if found is None:
        await states.remove(plugin)
    else:
        await states.wish(PluginWish(plugin, "", enabled=False))
    await states.note("purge", plugin, "done", by_id=None, via="cli")
    return gone
