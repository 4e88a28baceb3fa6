"""How plugins are doing, and what the owner's tools may ask of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from wompcore.repos.plugins import PluginProcess

State = Literal["live", "off", "failed", "quarantined", "draining"]


@dataclass(frozen=True, slots=True)
class PluginState:
    """How a plugin is doing.

    Args:
        id: The plugin.
        state: ``live``, ``off`` (installed, not loaded), ``failed``, ``quarantined`` (taken out because
            it failed too often) or ``draining`` (unloaded, and its work not at its end).
        version: The version that runs, or that is installed.
        summary: What it does.
        since: When it went live.
        tasks: Tasks it runs now.
        problem: Why it is not live, why its last update was refused, or what of it is not finished.
        errors: Errors since it went live.
        retry_at: When it is tried again; ``None`` in quarantine: when it is released.
        decision: Why it is to run or not, where its owner or the settings decided that; else empty.
    """

    id: str
    state: State
    version: str
    summary: str = ""
    since: datetime | None = None
    tasks: int = 0
    problem: str = ""
    errors: int = 0
    retry_at: datetime | None = None
    decision: str = ""


class PluginHost(Protocol):
    """What runs the plugins."""

    async def look(self) -> list[PluginState]:
        """Look at what is installed now, and return every installed or loaded plugin, by id."""
        ...

    def states(self) -> list[PluginState]:
        """Return the same at once; what is installed as of the last look or change."""
        ...

    async def processes(self) -> list[PluginProcess]:
        """Return what every process runs, this one among them."""
        ...

    @property
    def slash_problem(self) -> Callable[[], str]:
        """Tells what is wrong with the registration of slash commands; empty when nothing is."""
        ...

    def receipts(self) -> Mapping[str, tuple[str, ...]]:
        """Return what is left in memory of versions that ended, and who holds it, by plugin."""
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

    async def quarantine(self, plugin: str, reason: str = "by hand", *, by_id: int | None = None) -> None:
        """Take a plugin out until somebody releases it.

        Raises:
            PluginError: It is not installed, or is the one that loads the others.
        """
        ...

    async def release(self, plugin: str, *, by_id: int | None = None) -> PluginState:
        """Load a plugin that is in quarantine, and forget why it was there.

        Raises:
            PluginError: It is not in quarantine, or it cannot be loaded.
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
