"""What plugins must be allowed in a server, and where the bot is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import discord

from wompcore.text import clean_name

_MOST = 100
"""Servers named for one plugin; the others are counted."""


def lacking(
    guilds: Iterable[discord.Guild], declared: Mapping[str, Collection[str]]
) -> dict[str, tuple[str, ...]]:
    """Return for each plugin that lacks a permission a line per server, such as ``ban_members in Home (1)``.

    It is what the bot's roles give it; a channel may forbid more. A server that is not there now is
    passed over.

    Args:
        guilds: The servers the bot is in.
        declared: What each plugin must be allowed, named as in ``discord.Permissions``.
    """
    lines: dict[str, list[str]] = {}
    for guild in guilds:
        if guild.unavailable or guild.me is None:
            continue
        held = guild.me.guild_permissions
        for plugin, names in declared.items():
            if missing := [name for name in sorted(names) if not getattr(held, name)]:
                line = f"{', '.join(missing)} in {clean_name(guild.name)} ({guild.id})"
                lines.setdefault(plugin, []).append(line)
    return {plugin: _bounded(found) for plugin, found in lines.items()}


def _bounded(lines: list[str]) -> tuple[str, ...]:
    more = [f"something in {len(lines) - _MOST} more servers"] if len(lines) > _MOST else []
    return (*lines[:_MOST], *more)
