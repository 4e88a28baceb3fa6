"""Who may do what: one service with one ladder of levels."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TypeVar

import discord
from discord.ext import commands

from wompbot_cogs.guilds import Guilds

T = TypeVar("T")


class Level(IntEnum):
    """What a person may do; each level may do all that the ones below may."""

    MEMBER = 0
    MODERATOR = 1
    BOT_ADMIN = 2
    OWNER = 3
    SUPER_ADMIN = 4

    @property
    def title(self) -> str:
        """The level as people read it."""
        return "server owner" if self is Level.OWNER else self.name.replace("_", " ").lower()


class LevelTooLow(commands.CheckFailure):
    """The person may not use this command."""

    def __init__(self, needed: Level) -> None:
        super().__init__(f"needs {needed.title}")
        self.needed = needed


class Permissions:
    """Tells a person's level.

    Args:
        guilds: Knows each guild's bot admins.
        super_admins: Ids of those who may do everything everywhere; parsed once, from the settings.
    """

    def __init__(self, guilds: Guilds, super_admins: frozenset[int]) -> None:
        self._guilds = guilds
        self._super_admins = super_admins

    @property
    def super_admins(self) -> frozenset[int]:
        """Who may do everything everywhere."""
        return self._super_admins

    def trust(self, person_ids: frozenset[int]) -> None:
        """Make people super admins: the owners of the bot's Discord application."""
        self._super_admins |= person_ids

    def level(self, person: discord.abc.User) -> Level:
        """Return a person's level where they are: a member's in their guild, a user's in private."""
        if person.id in self._super_admins:
            return Level.SUPER_ADMIN
        if not isinstance(person, discord.Member):
            return Level.MEMBER
        guild = person.guild
        if guild.owner_id == person.id:
            return Level.OWNER
        if person.id in self._guilds.admins(guild.id):
            return Level.BOT_ADMIN
        rights = person.guild_permissions
        if rights.administrator and self._guilds.setting(guild.id, "administrators_are_admins"):
            return Level.BOT_ADMIN
        return Level.MODERATOR if rights.manage_messages else Level.MEMBER


def requires(level: Level) -> Callable[[T], T]:
    """Return a check for a command: the person must have at least this level."""

    async def check(context: commands.Context[commands.Bot]) -> bool:
        permissions: Permissions = context.bot.permissions  # type: ignore[attr-defined] # WompBot has it
        if permissions.level(context.author) < level:
            raise LevelTooLow(level)
        return True

    return commands.check(check)


def open_to(channel_id: int, here: discord.abc.MessageableChannel | None, guild: discord.Guild) -> bool:
    """Return whether what was said in a channel may be shown in another: there, or where everybody can read.

    Args:
        channel_id: Where it was said.
        here: Where it is to be shown.
        guild: The server of both.
    """
    if here is not None and channel_id == here.id:
        return True
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None or channel.type is discord.ChannelType.private_thread:
        return False
    may = channel.permissions_for(guild.default_role)
    return may.view_channel and may.read_message_history
