"""``wompbot plugins grant`` and ``withdraw``: what a plugin may have."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import reporting
from wompcore.config import DatabaseSettings

Plugin = Annotated[str, typer.Argument(metavar="ID", help="The plugin's id.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A capability, intent:..., permission:... or message_content.")
]


def grant(
    plugin: Plugin, name: Name, config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Let a plugin have what it asks for; counts from its next loading."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        asyncio.run(_decide(settings_of(config).database, "grant", plugin, name))
        terminal.say(f"{plugin} may use {name} from its next loading on.")
        terminal.result({"plugin": plugin, "granted": name})


def withdraw(
    plugin: Plugin, name: Name, config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Take back what a plugin was granted; counts from its next loading."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        asyncio.run(_decide(settings_of(config).database, "withdraw", plugin, name))
        terminal.say(f"{plugin} may not use {name} from its next loading on.")
        terminal.result({"plugin": plugin, "withdrawn": name})


async def _decide(settings: DatabaseSettings, verb: str, plugin: str, name: str) -> None:
    from wompbot_cogs.host.grants import decide
    from wompcore.db import Database
    from wompcore.repos.plugins import PluginRepository

    async with Database.open(settings) as db:
        await decide(PluginRepository(db), verb, plugin, name)
