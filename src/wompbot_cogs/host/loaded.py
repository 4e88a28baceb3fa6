"""A version of a plugin that serves, or did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from discord.ext import commands

from wompbot_cogs.host.receipt import Witness
from wompbot_cogs.manifest import Manifest
from wompbot_cogs.scope import Scope


@dataclass(frozen=True, slots=True)
class Loaded:
    """One version of a plugin.

    Args:
        manifest: What it says of itself.
        package: The package it lives in.
        scope: Owns what it acquired.
        cogs: What it put into the bot.
        since: When it went live.
        witness: Tells later whether it is gone.
        contract: Finishes its migrations, once no process runs the version before; returns what it applied.
    """

    manifest: Manifest
    package: str
    scope: Scope
    cogs: tuple[commands.Cog, ...]
    since: datetime
    witness: Witness
    contract: Callable[[], Awaitable[list[str]]]
