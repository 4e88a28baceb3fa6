"""What the owner lets a plugin have; every process follows at its next loading."""

from __future__ import annotations

from dataclasses import replace

from wompbot_cogs.errors import NotGranted, PluginUnknown
from wompbot_cogs.host.discovery import Found
from wompcore.repos.plugins import PluginWish


def granting(wish: PluginWish, found: Found | None, name: str) -> PluginWish:
    """Return a desired state with one thing more that a plugin may have.

    Args:
        wish: What was decided about it.
        found: The plugin, if it is installed.
        name: A capability, ``intent:...``, ``permission:...`` or ``message_content``.

    Raises:
        PluginError: It is not installed, or its manifest does not ask for that.
    """
    if found is None or found.manifest is None:
        raise PluginUnknown(wish.id)
    if name not in found.manifest.asks:
        hint = f"It asks for: {', '.join(sorted(found.manifest.asks)) or 'nothing'}."
        raise NotGranted(wish.id, f"does not ask for '{name}'", hint=hint)
    return replace(wish, granted=tuple(sorted({*wish.granted, name})))


def withdrawing(wish: PluginWish, name: str) -> PluginWish:
    """Return a desired state with one thing less that a plugin may have.

    Raises:
        NotGranted: It was not granted that.
    """
    if name not in wish.granted:
        raise NotGranted(wish.id, f"was not granted '{name}'", hint="")
    return replace(wish, granted=tuple(granted for granted in wish.granted if granted != name))
