"""What a server decides about the bot."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

from typing import Any, Literal

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import SETTINGS, Context, Level, requires, zone_of
from wompbot_cogs.cogs.admin import texts

Channel = (
    discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel | discord.Thread
)


class SettingsCog(commands.Cog, name="Settings"):
    """What this server decided; for its bot admins."""

    def __init__(self, context: Context) -> None:
        self._guilds = context.guilds

    @commands.hybrid_group(fallback="show", invoke_without_command=True)
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def settings(self, context: commands.Context[Any]) -> None:
        """Show what this server decided."""
        guild_id = _guild_id(context)
        values = [(setting, self._guilds.setting(guild_id, key)) for key, setting in SETTINGS.items()]
        own = [
            (f"{plugin} {name}", getattr(overrides.of(guild_id), name), field.description or "")
            for plugin, overrides in sorted(self._guilds.plugins.items())
            for name, field in overrides.fields.items()
        ]
        await context.send(texts.settings(values, own), ephemeral=True)

    @settings.command(name="set")
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def switch(self, context: commands.Context[Any], key: str, value: bool) -> None:
        """Switch a setting on or off."""
        _check(key, "switch")
        await self._guilds.set(_guild_id(context), key, value, by_id=context.author.id)
        await context.send(texts.SET.format(key=key, value=texts.value(value)))

    @settings.command()
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def plugin(self, context: commands.Context[Any], plugin: str, key: str, *, value: str = "") -> None:
        """Decide a plugin's setting for this server; without a value the operator's holds again."""
        overrides = self._guilds.plugins.get(plugin)
        if overrides is None or key not in overrides.fields:
            raise commands.BadArgument(texts.UNKNOWN_PLUGIN_SETTING)
        try:
            now = await overrides.set(_guild_id(context), key, value or None, by_id=context.author.id)
        except ValueError as error:
            raise commands.BadArgument(str(error)) from error
        await context.send(texts.SET.format(key=f"{plugin} {key}", value=texts.plain(now)))

    @settings.command()
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def zone(self, context: commands.Context[Any], name: str) -> None:
        """Set this server's time zone, such as Europe/Berlin."""
        if zone_of(name) is None:
            raise commands.BadArgument(texts.UNKNOWN_ZONE)
        await self._guilds.set(_guild_id(context), "time_zone", name, by_id=context.author.id)
        await context.send(texts.SET.format(key="time_zone", value=name))

    @settings.command()
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def add(self, context: commands.Context[Any], key: str, channel: Channel) -> None:
        """Put a channel on a list."""
        listed = self._listed(context, key)
        await self._list(context, key, listed | {channel.id})
        text = texts.LISTED_ALREADY if channel.id in listed else texts.LISTED
        await context.send(text.format(channel=channel.mention, key=key))

    @settings.command()
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def remove(self, context: commands.Context[Any], key: str, channel: Channel) -> None:
        """Take a channel off a list."""
        listed = self._listed(context, key)
        await self._list(context, key, listed - {channel.id})
        text = texts.UNLISTED if channel.id in listed else texts.WAS_NOT_LISTED
        await context.send(text.format(channel=channel.mention, key=key))

    @switch.autocomplete("key")
    async def switches(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """Offer the settings that are on or off."""
        return _choices("switch", typed)

    @add.autocomplete("key")
    @remove.autocomplete("key")
    async def lists(self, _: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """Offer the settings that are lists of channels."""
        return _choices("channels", typed)

    def _listed(self, context: commands.Context[Any], key: str) -> set[int]:
        _check(key, "channels")
        return set(self._guilds.setting(_guild_id(context), key))

    async def _list(self, context: commands.Context[Any], key: str, channels: set[int]) -> None:
        await self._guilds.set(_guild_id(context), key, sorted(channels), by_id=context.author.id)


def _guild_id(context: commands.Context[Any]) -> int:
    assert context.guild is not None  # guild_only
    return context.guild.id


def _check(key: str, kind: Literal["switch", "channels"]) -> None:
    if key not in SETTINGS:
        raise commands.BadArgument(
            texts.UNKNOWN_SETTING.format(keys=", ".join(f"`{key}`" for key in SETTINGS))
        )
    if SETTINGS[key].kind != kind:
        raise commands.BadArgument(texts.OTHER_KIND[SETTINGS[key].kind].format(key=key))


def _choices(kind: Literal["switch", "channels"], typed: str) -> list[app_commands.Choice[str]]:
    keys = [key for key, setting in SETTINGS.items() if setting.kind == kind and typed.lower() in key]
    return [app_commands.Choice(name=key, value=key) for key in keys[:25]]
