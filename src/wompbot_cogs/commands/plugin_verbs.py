"""``wompbot plugins load``, ``unload``, ``swap``, ``quarantine`` and ``release``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import reporting
from wompbot_cogs.settings import BotSettings
from wompcore.errors import ConfigInvalid

if TYPE_CHECKING:
    from wompbot_cogs.control.request import Request
    from wompbot_cogs.host.at_rest import Decision

Plugin = Annotated[str, typer.Argument(metavar="ID", help="The plugin's id.")]
Reason = Annotated[str, typer.Option(help="Why, in one line.")]

_DONE = {
    "load": "{id} {version} is loaded.",
    "unload": "{id} is unloaded, and stays so after a restart.",
    "swap": "{id} {version} runs in the place of the one before.",
    "quarantine": "{id} is in quarantine until it is released.",
    "release": "{id} {version} is loaded.",
}
_DECIDED = {
    "load": "the next start loads {id}.",
    "unload": "the next start does not load {id}.",
    "swap": "the next start loads {id} as it is then.",
    "quarantine": "{id} is in quarantine; the next start does not load it.",
    "release": "the next start loads {id}.",
}


def load(plugin: Plugin, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Load a plugin, or its newest version if it runs already."""
    _decide("load", plugin, config, as_json, debug)


def unload(plugin: Plugin, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Unload a plugin; it stays so after a restart."""
    _decide("unload", plugin, config, as_json, debug)


def swap(plugin: Plugin, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Put a plugin's newest version in the place of the one that runs."""
    _decide("swap", plugin, config, as_json, debug)


def quarantine(
    plugin: Plugin, reason: Reason = "", config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Take a plugin out until it is released."""
    _decide("quarantine", plugin, config, as_json, debug, reason)


def release(plugin: Plugin, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Load a plugin that is in quarantine, and forget why it was there."""
    _decide("release", plugin, config, as_json, debug)


def _decide(
    verb: Decision, plugin: str, config: Config, as_json: bool, debug: bool, reason: str = ""
) -> None:
    with reporting(as_json=as_json, debug=debug) as terminal:
        request = _request(verb, plugin, reason)
        result = asyncio.run(_ask_or_write(settings_of(config), verb, request))
        if result["bot"] == "running":
            terminal.say(_DONE[verb].format(id=plugin, version=result["version"]))
        else:
            written = _DECIDED[verb].format(id=plugin)
            terminal.say(f"No bot runs here with these settings. It is written in the database: {written}")
            for process in result["processes"]:
                terminal.say(f"{process} reported a moment ago, and follows now if it still runs.")
        terminal.result(result)


def _request(verb: Decision, plugin: str, reason: str) -> Request:
    from pydantic import ValidationError

    from wompbot_cogs.control.request import Request

    try:
        return Request(verb=verb, plugin=plugin, reason=reason)
    except ValidationError as error:
        where = "--reason" if error.errors()[0]["loc"] == ("reason",) else "ID"
        allowed = "one line of at most 300 characters" if where == "--reason" else "no plugin's id"
        raise ConfigInvalid(where, allowed, hint="`wompbot plugins list` shows the ids.") from error


async def _ask_or_write(settings: BotSettings, verb: Decision, request: Request) -> dict[str, Any]:
    from wompbot_cogs.control.client import ask

    if (reply := await ask(settings, request)) is not None:
        return {"bot": "running", "plugin": request.plugin, "version": reply["version"]}

    from wompbot_cogs.host.at_rest import decide_at_rest
    from wompcore.db import Database

    async with Database.open(settings.database) as db:
        processes = await decide_at_rest(
            db, verb, request.plugin, listed=settings.bot.plugins, reason=request.reason, via="cli"
        )
    return {"bot": "not running", "plugin": request.plugin, "processes": processes}
