"""Errors of the bot and its plugin host."""

from __future__ import annotations

from wompcore.errors import WompError


class PluginError(WompError):
    """Something about a plugin is wrong.

    Args:
        plugin: The plugin's id.
        problem: What, in one line.
    """

    def __init__(self, plugin: str, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"plugin {plugin}: {problem}", hint=hint)
        self.plugin = plugin
        self.problem = problem


class ManifestInvalid(PluginError):
    """A plugin's manifest is missing or wrong."""

    hint = "Put a wompbot.toml beside the package's __init__.py; the plugin book shows a whole one."


class PluginUnknown(PluginError):
    """No plugin of this name is installed."""

    hint = "`!plugins` lists what is installed; pip install brings more."


class PluginBroken(PluginError):
    """A plugin's code failed while it was loaded."""

    hint = "The version that ran before, if any, still runs. Mend the plugin and swap it again."


class NotGranted(PluginError):
    """A plugin reached for something its manifest does not ask for."""

    hint = "Name the capability in `needs` of the plugin's wompbot.toml."
