"""Whether a plugin is to run: the owner's word about it wins over the list in the settings."""

from __future__ import annotations

from collections.abc import Collection

from wompcore.repos.plugins import PluginWish


def is_wanted(wish: PluginWish, listed: Collection[str]) -> bool:
    """Return whether a plugin is to be loaded, unless it is in quarantine.

    Args:
        wish: What was decided about it.
        listed: ``bot.plugins``; empty for all.
    """
    return wish.enabled and (wish.by_hand or not listed or wish.id in listed)


def decision(wish: PluginWish, listed: Collection[str]) -> str:
    """Return why a plugin is to run or not, in words; empty where nothing out of the ordinary decides it.

    Args:
        wish: What was decided about it.
        listed: ``bot.plugins``; empty for all.
    """
    if not wish.enabled:
        return "unloaded by hand"
    if not listed or wish.id in listed:
        return ""
    return "loaded by hand, beyond bot.plugins" if wish.by_hand else "left out by bot.plugins"
