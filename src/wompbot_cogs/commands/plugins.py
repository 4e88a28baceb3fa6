"""``wompbot plugins``: what is installed and whether it loads."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from wompbot_cogs.commands.grants import grant, withdraw
from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.purge import purge
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompbot_cogs.settings import BotSettings

if TYPE_CHECKING:
    from wompbot_cogs.host import PluginState

plugins = typer.Typer(help="Look at the installed plugins.", no_args_is_help=True)
plugins.command("grant")(grant)
plugins.command("withdraw")(withdraw)
plugins.command("purge")(purge)


@plugins.command("list")
def list_plugins(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Load every installed plugin, without Discord, and say how each is doing."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        states = asyncio.run(_states(settings_of(config)))
        width = max((len(state.id) for state in states), default=0)
        for state in states:
            colour = {"live": typer.colors.GREEN, "failed": typer.colors.RED}.get(state.state)
            word = typer.style(f"{state.state:<6}", fg=colour)
            terminal.say(f"{state.id:<{width}}  {word}  {state.version}  {state.problem or state.summary}")
        terminal.result([asdict(state) for state in states])
        if any(state.state == "failed" for state in states):
            raise typer.Exit(FAILED)


async def _states(settings: BotSettings) -> list[PluginState]:
    from wompbot_cogs.app import open_app

    async with open_app(settings) as app:
        return app.host.states()
