"""Making a version of a plugin ready while another serves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import partial

from discord.ext import commands

from wompbot_cogs.context import Context
from wompbot_cogs.errors import ManifestInvalid, PluginBroken, PluginError
from wompbot_cogs.hooks import Hooks
from wompbot_cogs.host.discovery import Found
from wompbot_cogs.host.importer import fresh, modules_of
from wompbot_cogs.host.loaded import Loaded
from wompbot_cogs.host.provision import Provision, check_event, check_intents
from wompbot_cogs.host.quarantine import one_line
from wompbot_cogs.host.receipt import Witness
from wompbot_cogs.host.switch import AnyBot, names_of, set_up, switch
from wompbot_cogs.plugin import Plugin
from wompbot_cogs.running import running
from wompbot_cogs.scope import Scope
from wompcore.clock import Clock

_PREPARE_S = 60.0


class Staging:
    """Imports and prepares versions, and puts them into the bot.

    Args:
        bot: Gets their cogs.
        provision: Gives a version what it may have.
        hooks: Learns what plugins implement.
        clock: Tells when a version went live.
    """

    def __init__(self, bot: AnyBot, provision: Provision, hooks: Hooks, clock: Clock) -> None:
        self._bot = bot
        self._provision = provision
        self._hooks = hooks
        self._clock = clock

    async def bring_in(self, found: Found, scope: Scope, loaded: Mapping[str, Loaded]) -> Loaded:
        """Import and prepare a version while the old one serves, then switch.

        Args:
            found: What to bring in.
            scope: Owns what it acquires.
            loaded: What serves now.

        Raises:
            PluginError: It cannot serve; what served before still does.
        """
        if found.manifest is None:
            raise found.problem or PluginError(found.id, "has no manifest")
        check_intents(found, self._bot)
        old = loaded.get(found.id)
        scope.allow_event = partial(check_event, found.manifest)
        try:
            async with asyncio.timeout(_PREPARE_S) as limit, fresh(found.package) as module:
                plugin = getattr(module, found.attribute, None)
                if not isinstance(plugin, Plugin):
                    raise ManifestInvalid(found.id, f"{found.package}:{found.attribute} is not a Plugin")
                outfit = await self._provision.outfit(found, scope)
                context = Context(found.manifest, scope, outfit.given)
                with running(scope):
                    cogs = await _prepare(plugin, context, scope)
                    others = [make(context) for make in plugin.hooks]
                for thing in (*cogs, *others):
                    await asyncio.sleep(0)  # each step takes a millisecond or two of the loop's time
                    self._hooks.stage(found.manifest, outfit.given.keys(), (thing,), scope)
                await asyncio.sleep(0)
                witness = _witness(found.package, (*cogs, *others), context, scope)
                await asyncio.sleep(0)
                limit.reschedule(None)  # from here on nothing suspends
                self._check_names(found.id, cogs, loaded)
                await switch(self._bot, old.cogs if old else (), cogs)
        except BaseException as error:
            if isinstance(error, PluginError | KeyboardInterrupt) or _is_our_end(error):
                raise
            raise PluginBroken(found.id, one_line(error)) from error
        since, contract = self._clock.now(), outfit.contract
        return Loaded(found.manifest, found.package, scope, cogs, since, witness, contract)

    def _check_names(self, plugin: str, cogs: Collection[commands.Cog], loaded: Mapping[str, Loaded]) -> None:
        """Refuse names that are somebody else's: discord.py would leave half a cog behind."""
        own = [name for name, command in self._bot.all_commands.items() if command.cog is None]
        taken = {f"command {name}": "the bot itself" for name in own}
        for other, version in loaded.items():
            if other != plugin:
                taken |= {name: f"plugin {other}" for cog in version.cogs for name in names_of(cog)}
        for name in sorted(taken.keys() & {name for cog in cogs for name in names_of(cog)}):
            raise PluginBroken(plugin, f"the {name} is that of {taken[name]}")


async def _prepare(plugin: Plugin, context: Context, scope: Scope) -> tuple[commands.Cog, ...]:
    if plugin.prepare is not None:
        await plugin.prepare(context)
    cogs = []
    for make in plugin.cogs:
        await asyncio.sleep(0)
        cogs.append(make(context))
    for cog in cogs:
        for event, _ in cog.get_listeners():
            scope.allow_event(event)
        await set_up(cog, scope)
    return tuple(cogs)


def _witness(package: str, objects: Iterable[object], context: Context, scope: Scope) -> Witness:
    parts: dict[str, object] = {f"module {name}": sys.modules[name] for name in modules_of(package)}
    for thing in objects:
        if isinstance(thing, commands.Cog):
            parts[f"cog {thing.qualified_name}"] = thing
        elif type(thing).__weakrefoffset__:  # one with slots may not be watched
            parts[f"hooks {type(thing).__name__}"] = thing
    return Witness({**parts, "context": context, "scope": scope})


def _is_our_end(error: BaseException) -> bool:
    """Return whether we are cancelled, and not the plugin that raised."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
