"""WompBot: a Discord bot on wompcore whose cogs are swapped while it runs.

This is the door for plugin authors. Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wompbot_cogs.budgets import refusal
    from wompbot_cogs.context import Context
    from wompbot_cogs.guilds import SETTINGS, GuildSetting, zone_of
    from wompbot_cogs.hooks import Decline, Health, Note, PromptPart, ReplyGiven, ReplyRequest, hookimpl
    from wompbot_cogs.hybrid import hybrid_command, hybrid_group
    from wompbot_cogs.manifest import API_LEVEL, Manifest
    from wompbot_cogs.overrides import PER_GUILD
    from wompbot_cogs.pages import PageButton, Turn, Way, page_buttons, whose_and_what
    from wompbot_cogs.permissions import Level, open_to, requires
    from wompbot_cogs.plain import plain
    from wompbot_cogs.plugin import Plugin
    from wompbot_cogs.states import PluginState

_HOME = {
    "API_LEVEL": "wompbot_cogs.manifest",
    "Context": "wompbot_cogs.context",
    "Decline": "wompbot_cogs.hooks",
    "GuildSetting": "wompbot_cogs.guilds",
    "Health": "wompbot_cogs.hooks",
    "Level": "wompbot_cogs.permissions",
    "Manifest": "wompbot_cogs.manifest",
    "Note": "wompbot_cogs.hooks",
    "PageButton": "wompbot_cogs.pages",
    "PER_GUILD": "wompbot_cogs.overrides",
    "Plugin": "wompbot_cogs.plugin",
    "PluginState": "wompbot_cogs.states",
    "PromptPart": "wompbot_cogs.hooks",
    "ReplyGiven": "wompbot_cogs.hooks",
    "ReplyRequest": "wompbot_cogs.hooks",
    "SETTINGS": "wompbot_cogs.guilds",
    "Turn": "wompbot_cogs.pages",
    "Way": "wompbot_cogs.pages",
    "hookimpl": "wompbot_cogs.hooks",
    "open_to": "wompbot_cogs.permissions",
    "hybrid_command": "wompbot_cogs.hybrid",
    "hybrid_group": "wompbot_cogs.hybrid",
    "page_buttons": "wompbot_cogs.pages",
    "plain": "wompbot_cogs.plain",
    "refusal": "wompbot_cogs.budgets",
    "requires": "wompbot_cogs.permissions",
    "whose_and_what": "wompbot_cogs.pages",
    "zone_of": "wompbot_cogs.guilds",
}

__all__ = [
    "API_LEVEL",
    "PER_GUILD",
    "SETTINGS",
    "Context",
    "Decline",
    "GuildSetting",
    "Health",
    "Level",
    "Manifest",
    "Note",
    "PageButton",
    "Plugin",
    "PluginState",
    "PromptPart",
    "ReplyGiven",
    "ReplyRequest",
    "Turn",
    "Way",
    "hookimpl",
    "hybrid_command",
    "hybrid_group",
    "open_to",
    "page_buttons",
    "plain",
    "refusal",
    "requires",
    "whose_and_what",
    "zone_of",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
