"""``wompbot plugins load``, ``unload``, ``swap``, ``quarantine``, ``release``, ``grant`` and ``withdraw``."""

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
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A capability, intent:..., permission:... or message_content.")
]
Reason = Annotated[str, typer.Option(help="Why, in one line.")]

_DONE = {
    "load": "{id} {version} is loaded.",
    "unload": "{id} is unloaded, and stays so after a restart.",
    "swap": "{id} {version} runs in the place of the one before.",
    "quarantine": "{id} is in quarantine until it is released.",
    "release": "{id} {version} is loaded.",
    "grant": "{id} may use {name} from its next loading on.",
    "withdraw": "{id} may not use {name} from its next loading on.",
}
_DECIDED = {
    "load": "the next start loads {id}.",
    "unload": "the next start does not load {id}.",
    "swap": "the next start loads {id} as it is then.",
    "quarantine": "{id} is in quarantine; the next start does not load it.",
    "release": "the next start loads {id}.",
    "grant": _DONE["grant"],
    "withdraw": _DONE["withdraw"],
}


_BAD = {
    "reason": ("--reason", "one line of at most 300 characters", ""),
    "name": ("NAME", "nothing that can be granted", "Such as costs, intent:members or message_content."),
    "plugin": ("ID", "no plugin's id", "`wompbot plugins list` shows the ids."),
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
    _decide("quarantine", plugin, config, as_json, debug, reason=reason)


def release(plugin: Plugin, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Load a plugin that is in quarantine, and forget why it was there."""
    _decide("release", plugin, config, as_json, debug)


def grant(
    plugin: Plugin, name: Name, config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Let a plugin have what it asks for; counts from its next loading."""
    _decide("grant", plugin, config, as_json, debug, name=name)


def withdraw(
    plugin: Plugin, name: Name, config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Take back what a plugin was granted; counts from its next loading."""
    _decide("withdraw", plugin, config, as_json, debug, name=name)


def _decide(verb: Decision, plugin: str, config: Config, as_json: bool, debug: bool, **detail: str) -> None:
    with reporting(as_json=as_json, debug=debug) as terminal:
        request = _request(verb, plugin, detail)
        result = asyncio.run(_ask_or_write(settings_of(config), verb, request))
        if result["bot"] == "running":
            terminal.say(_DONE[verb].format(id=plugin, version=result["version"], **detail))
        else:
            written = _DECIDED[verb].format(id=plugin, **detail)
            terminal.say(f"No bot runs here with these settings. It is written in the database: {written}")
            for process in result["processes"]:
                terminal.say(f"{process} reported a moment ago, and follows now if it still runs.")
        terminal.result(result)


def _request(verb: Decision, plugin: str, detail: dict[str, str]) -> Request:
    from pydantic import ValidationError

    from wompbot_cogs.control.request import Request

    try:
        return Request.model_validate({"verb": verb, "plugin": plugin, **detail})
    except ValidationError as error:
        place = error.errors()[0]["loc"]
        where, allowed, hint = _BAD.get(str(place[0]) if place else "", _BAD["plugin"])
        raise ConfigInvalid(where, allowed, hint=hint) from error


async def _ask_or_write(settings: BotSettings, verb: Decision, request: Request) -> dict[str, Any]:
    from wompbot_cogs.control.client import ask

    if (reply := await ask(settings, request)) is not None:
        return {"bot": "running", "plugin": request.plugin, "version": reply["version"]}

    from wompbot_cogs.host.at_rest import decide_at_rest
    from wompcore.db import Database

    async with Database.open(settings.database) as db:
        processes = await decide_at_rest(
            db, verb, request.plugin, request.name or request.reason, listed=settings.bot.plugins, via="cli"
        )
    return {"bot": "not running", "plugin": request.plugin, "processes": processes}
