"""``wompbot plugins new`` and ``check``: for who writes a plugin."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wompbot_cogs.commands.doctor import show
from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import FAILED, Terminal, reporting
from wompcore.errors import ExtraMissing

if TYPE_CHECKING:
    from wompbot_cogs.finding import Finding

Name = Annotated[str, typer.Argument(metavar="NAME", help="The plugin's id: lower-case letters, digits, _.")]
Into = Annotated[Path, typer.Option(metavar="DIR", help="Where its folder is made; default: here.")]
Project = Annotated[Path, typer.Argument(metavar="PATH", help="The project's folder.")]


def new(name: Name, into: Into = Path(), as_json: Json = False, debug: Debug = False) -> None:
    """Write a plugin to start from: a package that can be installed, with tests that pass."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        from wompbot_cogs.authoring.new import write_project

        folder = write_project(name, into)
        terminal.say(f"Wrote {folder}. Next:\n  cd {folder}\n  pip install -e '.[test]' && pytest")
        terminal.say(f"  wompbot plugins check .\n  wompbot plugins load {name}")
        terminal.result({"plugin": name, "folder": str(folder)})


def check(path: Project = Path(), config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Test a plugin's project: its files, then 20 swaps in a simulated server. No token, no network."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        if find_spec("simcord") is None:
            raise ExtraMissing("demo", "the simulated server")
        if not debug:
            logging.getLogger("wompbot_cogs").setLevel(logging.CRITICAL)  # findings tell it
        findings = asyncio.run(_check(path, settings_of(config).plugins, terminal))
        terminal.result([asdict(finding) for finding in findings])
        if not all(finding.good for finding in findings):
            raise typer.Exit(FAILED)


async def _check(path: Path, values: dict[str, dict[str, Any]], terminal: Terminal) -> list[Finding]:
    from wompbot_cogs.authoring.check import check

    findings = []
    async for finding in check(path, values):
        show(finding, terminal)
        findings.append(finding)
    return findings
