"""A plugin's manifest: a static file, read and checked before any code of the plugin runs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wompbot_cogs.errors import ManifestInvalid

API_LEVEL = 1
"""The level of the plugin interface this host speaks."""

FILE_NAME = "wompbot.toml"

Capability = Literal[
    "claims",
    "consent",
    "costs",
    "guilds",
    "hooks",
    "limits",
    "llm",
    "messages",
    "notify",
    "permissions",
    "plugins",
    "search",
]
"""What a plugin can be given; ``costs``, ``hooks`` and ``plugins`` only by the owner."""

OWNER_GRANTED: frozenset[str] = frozenset({"costs", "hooks", "plugins"})

_MAX_BYTES = 64_000


class Manifest(BaseModel):
    """What a plugin says of itself.

    Args:
        id: Its name: lower-case letters, digits and ``_``, as in its entry point.
        version: Its version.
        api: The interface level it was written for.
        summary: What it does, in one line.
        needs: The capabilities it uses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    version: str = Field(min_length=1, max_length=40)
    api: int = Field(ge=1)
    summary: str = Field(max_length=200)
    needs: frozenset[Capability] = frozenset()


def read_manifest(plugin: str, folder: Path) -> Manifest:
    """Read the manifest of a plugin.

    Args:
        plugin: The id its entry point gives it.
        folder: The package's folder.

    Raises:
        ManifestInvalid: It is missing, wrong, of another plugin, or of a newer interface.
    """
    file = folder / FILE_NAME
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ManifestInvalid(plugin, f"no {FILE_NAME} in its package") from error
    if len(data) > _MAX_BYTES:
        raise ManifestInvalid(plugin, f"{FILE_NAME} is larger than {_MAX_BYTES} bytes")
    try:
        tables = tomllib.loads(data.decode())
        manifest = Manifest.model_validate(tables.get("plugin", {}))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ManifestInvalid(plugin, f"{FILE_NAME}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ManifestInvalid(plugin, f"{FILE_NAME}: plugin.{key}: {first['msg']}") from error
    if manifest.id != plugin:
        raise ManifestInvalid(plugin, f"{FILE_NAME} is that of '{manifest.id}'")
    if manifest.api > API_LEVEL:
        raise ManifestInvalid(
            plugin,
            f"needs interface level {manifest.api}; this host has {API_LEVEL}",
            hint="Update the host.",
        )
    return manifest
