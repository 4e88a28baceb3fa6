"""How plugins are doing, and what the owner's tools may ask of the host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class PluginState:
    """How a plugin is doing.

    Args:
        id: The plugin.
        state: ``live``, ``off`` (installed, not loaded) or ``failed``.
        version: The version that runs, or that is installed.
        summary: What it does.
        since: When it went live.
        tasks: Tasks it runs now.
        problem: Why it is not live, or why its last update was refused.
    """

    id: str
    state: Literal["live", "off", "failed"]
    version: str
    summary: str = ""
    since: datetime | None = None
    tasks: int = 0
    problem: str = ""


class PluginHost(Protocol):
    """What runs the plugins."""

    def states(self) -> list[PluginState]:
        """Return every installed or loaded plugin, by id."""
        ...

    async def load(self, plugin: str, *, by_id: int | None = None) -> PluginState:
        """Load a plugin, or its newest version if it runs already.

        Raises:
            PluginError: It cannot be loaded; what ran before still runs.
        """
        ...

    async def swap(self, plugin: str, *, by_id: int | None = None) -> PluginState:
        """Put a running plugin's newest version in its place without losing an event.

        Raises:
            PluginError: It does not run, or the new version is broken; the old one still runs.
        """
        ...

    async def unload(self, plugin: str, *, by_id: int | None = None) -> None:
        """Unload a plugin; it stays unloaded after a restart.

        Raises:
            PluginError: It is not installed, or is the one that loads the others.
        """
        ...

    async def grant(self, plugin: str, capability: str, *, by_id: int | None = None) -> None:
        """Let a plugin have what only the owner gives; counts from its next loading.

        Raises:
            PluginError: It is not installed, or its manifest does not ask for that.
        """
        ...

    async def withdraw(self, plugin: str, capability: str, *, by_id: int | None = None) -> None:
        """Take back what was granted; counts from its next loading.

        Raises:
            PluginError: It was not granted that.
        """
        ...
