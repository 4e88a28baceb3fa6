"""``wompbot plugins purge``: what a plugin left in the database."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompcore.config import DatabaseSettings

Plugin = Annotated[str, typer.Argument(metavar="ID", help="The plugin's id.")]
Confirm = Annotated[str, typer.Option(metavar="ID", help="The id again, where nobody can be asked.")]


def purge(
    plugin: Plugin, confirm: Confirm = "", config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Remove an unloaded plugin's tables, role, jobs and declarations for good; asks first."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        settings = settings_of(config)
        if not confirm:
            confirm = typer.prompt(
                f"This removes all that plugin {plugin} keeps. Type its id to go on", err=True
            )
        if confirm != plugin:
            terminal.say("Nothing was removed: that is not its id.")
            raise typer.Exit(FAILED)
        role_gone = asyncio.run(_purge(settings.database, plugin))
        rest = (
            ""
            if role_gone
            else f" The role plugin_{plugin} stays: another database uses it, or it is not ours."
        )
        terminal.say(f"Removed all that plugin {plugin} kept.{rest}")
        terminal.result({"plugin": plugin, "role_removed": role_gone})


async def _purge(settings: DatabaseSettings, plugin: str) -> bool:
    from wompbot_cogs.host.purge import purge
    from wompcore.db import Database

    async with Database.open(settings) as db:
        return await purge(db, plugin)
