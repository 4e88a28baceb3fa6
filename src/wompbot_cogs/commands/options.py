"""Options that commands share, and the settings they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from wompbot_cogs.settings import BotSettings
from wompcore.config import load_settings
from wompcore.errors import ConfigInvalid, DataFolderUnusable

DEFAULT_FILE = Path("wompbot.toml")

Config = Annotated[
    Path | None,
    typer.Option(
        envvar="WOMPBOT_CONFIG", help="Settings file; default: wompbot.toml in this folder, if any."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON value instead of text.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]


def settings_of(config: Path | None) -> BotSettings:
    """Read the settings of a command.

    Raises:
        ConfigInvalid: The file cannot be read, a key is unknown or a value is bad.
    """
    file = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    return load_settings(BotSettings, file=file)


@contextmanager
def named_by_data(folder: Path | None) -> Iterator[None]:
    """Put a folder that proves unusable down to ``--data``, if that named it.

    Raises:
        ConfigInvalid: The folder of ``--data`` cannot be used.
    """
    try:
        yield
    except DataFolderUnusable as error:
        if folder is None:
            raise
        problem = f"{error.folder}: {error.problem}"
        raise ConfigInvalid("--data", problem, hint="Choose a folder that you own.") from error
