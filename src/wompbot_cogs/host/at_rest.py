"""Deciding about a plugin where no bot runs: every process follows, and so does the next start."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from wompbot_cogs.errors import PluginError, PluginUnknown
from wompbot_cogs.host.convergence import BEAT_S, KEEPER
from wompbot_cogs.host.discovery import Found, discover
from wompbot_cogs.host.grants import granting, withdrawing
from wompbot_cogs.host.provision import consented
from wompbot_cogs.host.wanted import is_wanted
from wompcore.db import Database, migrate, migrations_in
from wompcore.errors import WompError
from wompcore.repos.plugins import PluginRepository, PluginWish

Decision = Literal["load", "unload", "swap", "quarantine", "release", "grant", "withdraw"]


async def decide_at_rest(
    db: Database, verb: Decision, plugin: str, detail: str = "", *, listed: Collection[str] = (), via: str
) -> list[str]:
    """Put a desired state into the table, on record.

    Args:
        db: The open database; its tables are made if no bot ever ran with it.
        verb: What is decided.
        plugin: Its id.
        detail: What it is granted, or has withdrawn; or why it is put into quarantine.
        listed: ``bot.plugins``; empty for all.
        via: By what way it was asked.

    Returns:
        The processes that reported lately: those that still run follow now.

    Raises:
        PluginError: It is not installed, or that cannot be.
    """
    await migrate(db, "core", migrations_in("wompcore.repos"))
    states = PluginRepository(db)
    outcome = "done"
    try:
        found = (await asyncio.to_thread(discover)).get(plugin)
        wish = (await states.wishes()).get(plugin, PluginWish(plugin, "", enabled=True))
        wish = _decided(verb, wish, found, detail, listed)
        await states.wish(wish, load=verb in ("load", "swap", "release"))
    except WompError as error:
        outcome = error.message
        raise
    finally:
        what = f"{verb} {detail}" if verb in ("grant", "withdraw") else verb
        await states.note(what, plugin, outcome, by_id=None, via=via)
    return [process.process for process in await states.processes(3 * BEAT_S)]


def _decided(
    verb: Decision, wish: PluginWish, found: Found | None, detail: str, listed: Collection[str]
) -> PluginWish:
    """Return what a plugin should be once that is decided.

    Raises:
        PluginError: It is not installed, or that cannot be.
    """
    if verb == "grant":
        return granting(wish, found, detail)
    if verb == "withdraw":
        return withdrawing(wish, detail)
    if found is None:
        raise PluginUnknown(wish.id)
    if found.id == KEEPER and verb in ("unload", "quarantine"):
        raise PluginError(found.id, "loads the others, and stays", hint="Swap it instead.")
    free = replace(wish, quarantined=False, trips=0, retry_at=None, reason="")
    if verb == "unload":
        return replace(free, enabled=False, by_hand=False)
    if verb == "quarantine":
        return replace(wish, quarantined=True, trips=0, retry_at=None, reason=detail or "by hand")
    if verb == "release" and not wish.quarantined:
        raise PluginError(found.id, "not in quarantine", hint="`wompbot plugins list` tells what is.")
    if verb == "swap" and (wish.quarantined or not is_wanted(wish, listed)):
        hint = f"`wompbot plugins load {found.id}` does that."
        raise PluginError(found.id, "would not be loaded at the next start", hint=hint)
    if found.manifest is None:
        raise found.problem or PluginError(found.id, "has no manifest")
    consented(wish, found)  # it would wait for the owner, and not be loaded
    return replace(free, enabled=True, by_hand=free.by_hand or verb != "swap")
