"""``wompbot backup`` and ``wompbot restore``: everything the bot knows, in one file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import reporting
from wompcore.config import DatabaseSettings
from wompcore.errors import DatabaseNotEmpty

File = Annotated[Path, typer.Argument(help="The backup file.", dir_okay=False)]
Backup = Annotated[Path, typer.Argument(help="The backup file.", exists=True, dir_okay=False)]
Replace = Annotated[bool, typer.Option("--replace", help="Remove what the database holds now.")]


def backup(file: File, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Write the whole database to FILE."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        asyncio.run(_backup(settings_of(config).database, file))
        size = file.stat().st_size
        terminal.say(f"Wrote {file}, {size:,} bytes.")
        terminal.result({"file": str(file), "bytes": size})


def restore(
    file: Backup,
    replace: Replace = False,
    config: Config = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fill the database from FILE, wholly or not at all. Stop the bot first."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        asyncio.run(_restore(settings_of(config).database, file, replace))
        terminal.say(f"Restored {file}.")
        terminal.result({"file": str(file)})


async def _backup(settings: DatabaseSettings, file: Path) -> None:
    from wompcore.db import Database, backup

    async with Database.open(settings) as db:
        await backup(db.direct_url, file)


async def _restore(settings: DatabaseSettings, file: Path, replace: bool) -> None:
    from wompcore.db import Database, restore

    async with Database.open(settings) as db:
        try:
            await restore(db.direct_url, file, replace=replace)
        except DatabaseNotEmpty as error:
            raise DatabaseNotEmpty(hint="--replace removes what it holds first.") from error
