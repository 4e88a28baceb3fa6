"""``wompbot doctor``: what keeps the bot from working, and the remedy."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import FAILED, Terminal, reporting

if TYPE_CHECKING:
    from wompbot_cogs.finding import Finding


def doctor(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Check database, migrations, model endpoint, token, intents and plugins."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        settings = settings_of(config)
        from wompbot_cogs.doctor import examine

        findings = asyncio.run(examine(settings))
        for finding in findings:
            show(finding, terminal)
        terminal.result([asdict(finding) for finding in findings])
        if not all(finding.good for finding in findings):
            raise typer.Exit(FAILED)


def show(finding: Finding, terminal: Terminal) -> None:
    """Write one line, green or red with the remedy."""
    mark = typer.style("good", fg="green") if finding.good else typer.style("bad ", fg="red")
    remedy = f" -> {finding.hint}" if finding.hint else ""
    terminal.say(f"{mark}  {finding.subject:<11} {' '.join(finding.detail.split())}{remedy}")
