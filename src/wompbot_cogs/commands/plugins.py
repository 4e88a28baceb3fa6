"""``wompbot plugins``: what is installed, how it is doing, and tools for who writes one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import typer

from wompbot_cogs.commands.authoring import check, new
from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.plugin_verbs import grant, load, quarantine, release, swap, unload, withdraw
from wompbot_cogs.commands.purge import purge
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompbot_cogs.settings import BotSettings

plugins = typer.Typer(help="Look at plugins, decide about them, and write one.", no_args_is_help=True)
for _command in (load, unload, swap, quarantine, release, grant, withdraw, purge, new, check):
    plugins.command(_command.__name__)(_command)

_AT_REST = "No bot runs here with these settings: this is what the next start would make of them."
_COLOURS = {
    "live": typer.colors.GREEN,
    "ready": typer.colors.GREEN,
    "failed": typer.colors.RED,
    "quarantined": typer.colors.YELLOW,
    "draining": typer.colors.YELLOW,
}
_HEADER = ("plugin", "state", "version", "since", "tasks", "memory", "errors", "this month", "")


@plugins.command("list")
def list_plugins(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Say how each plugin is doing in the running bot, or what the next start would make of it."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        rows, remark = asyncio.run(_rows(settings_of(config)))
        table = [_HEADER, *(_shown(row) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for cells in table:
            padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
            padded[1] = typer.style(padded[1], fg=_COLOURS.get(cells[1]))
            terminal.say("  ".join(padded).rstrip())
        if remark:
            terminal.say(remark)
        terminal.result(rows)
        if any(row["state"] == "failed" for row in rows):
            raise typer.Exit(FAILED)


async def _rows(settings: BotSettings) -> tuple[list[dict[str, Any]], str]:
    """Return the plugins, and what is to be said about all of them."""
    from wompbot_cogs.control.client import ask
    from wompbot_cogs.control.request import Request

    if (reply := await ask(settings, Request(verb="list"))) is not None:
        problem = reply["slash_problem"]
        return reply["plugins"], f"Slash commands are not registered: {problem}." if problem else ""

    from wompbot_cogs.control.listing import rows_at_rest
    from wompcore.clock import SystemClock
    from wompcore.db import Database

    async with Database.open(settings.database) as db:
        return [asdict(row) for row in await rows_at_rest(db, SystemClock(), settings.bot.plugins)], _AT_REST


def _shown(row: Mapping[str, Any]) -> tuple[str, ...]:
    memory, spent = row["memory_bytes"], Decimal(str(row["spent_usd"]))
    since = datetime.fromisoformat(row["since"]).astimezone() if row["since"] else None
    parts = [row["decision"], row["problem"] or row["summary"]]
    if row["well"] is not None:
        parts.append(f"{'well' if row['well'] else 'not well'}: {row['health']}".rstrip(": "))
    if lacks := row["lacks"]:
        others = "; `wompbot doctor` names the other servers" if len(lacks) > 1 else ""
        parts.append(f"lacks {lacks[0]}{others}")
    note = "; ".join(part for part in parts if part)
    if row["retry_at"]:
        note += f" (tried again at {datetime.fromisoformat(str(row['retry_at'])).astimezone():%H:%M:%S})"
    return (
        row["id"],
        row["state"],
        row["version"],
        f"{since:%Y-%m-%d %H:%M}" if since else "-",
        str(row["tasks"]),
        "-" if memory is None else f"{memory / 1024:.0f} KiB",
        str(row["errors"]),
        f"${spent:.4f}" if spent else "-",
        " ".join(note.split()),
    )
