"""Whether a plugin is to run: the owner's word about it wins over the list in the settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from wompbot_cogs.errors import ConsentAwaited
from wompbot_cogs.host.discovery import Found
from wompbot_cogs.host.provision import consented
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


def permissions_wanted(
    plugins: Iterable[Found], wishes: Mapping[str, PluginWish], listed: Collection[str]
) -> dict[str, frozenset[str]]:
    """Return what plugins that are to run must be allowed in a server, by plugin.

    What still waits for the owner's consent is left out.

    Args:
        plugins: What is installed.
        wishes: What was decided about it.
        listed: ``bot.plugins``; empty for all.
    """
    wanted: dict[str, frozenset[str]] = {}
    for plugin in plugins:
        wish = wishes.get(plugin.id, PluginWish(plugin.id, "", enabled=True))
        if plugin.manifest is not None and is_wanted(wish, listed):
            wanted[plugin.id] = plugin.manifest.permissions - _awaited(plugin, wish)
    return wanted


def _awaited(plugin: Found, wish: PluginWish) -> set[str]:
    try:
        consented(wish, plugin)
    except ConsentAwaited as error:
        return {name.removeprefix("permission:") for name in error.asks}
    return set()
