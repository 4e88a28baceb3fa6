"""A whole bot in a simulated guild: real database, real discord.py, a model over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from wompbot_cogs import PluginState
from wompbot_cogs.app import App, open_app
from wompbot_cogs.authoring.leaks import find_leaks
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.simulated import Said, SimulatedGuild
from wompcore.clock import Clock

OWNER = "olivia"
"""Owns the bot and the guild."""


@dataclass(frozen=True)
class LivingBot:
    """A bot and the place it lives in.

    People are named; a new name joins first. What a person does returns when the bot is done with it.

    Args:
        app: The bot.
        guild: The place.
        plugin: Id of the plugin under test; empty when there is none.
    """

    app: App
    guild: SimulatedGuild
    plugin: str = ""

    async def ask(self, name: str, text: str) -> str:
        """Say something and return the bot's last words afterwards; empty if it said nothing new."""
        before = {message.id for message in self.guild.answers()}
        await self.guild.say(name, text)
        new = [message for message in self.guild.answers() if message.id not in before]
        return new[-1].text if new else ""

    async def slash(self, name: str, command: str, /, **options: Any) -> str:
        """Use a slash command and return the bot's last answer; see :meth:`SimulatedGuild.slash`."""
        answers = await self.guild.slash(name, command, **options)
        return answers[-1].text if answers else ""

    async def react(self, name: str, emoji: str) -> None:
        """React to the bot's last message."""
        await self.guild.react(name, self.last.id, emoji)

    async def click(self, name: str, label: str) -> str:
        """Press a button of the bot's last message; return what that message, or a newer one, says then."""
        await self.guild.click(name, self.last.id, label)
        return self.last.text

    @property
    def last(self) -> Said:
        """The bot's last message in the first channel."""
        return self.guild.answers()[-1]

    def mention(self, name: str) -> str:
        """Return how a member is mentioned."""
        return self.guild.member(name).mention

    async def load(self, *plugins: str) -> None:
        """Load plugins, such as built-in ones that the plugin works with: ``chat``."""
        for plugin in plugins:
            await self.app.host.load(plugin)

    async def unload(self) -> None:
        """Unload the plugin under test."""
        await self.app.host.unload(self.plugin)

    async def swap(self) -> PluginState:
        """Put the plugin's code, as it is on disk now, in the place of what runs."""
        return await self.app.host.swap(self.plugin)

    async def assert_no_leaks(self) -> None:
        """Unload the plugin and load it again, and fail if anything of it stays behind."""
        leaks = await find_leaks(self.app, self.plugin)
        assert leaks == [], f"after unloading plugin {self.plugin}, these stay: {'; '.join(leaks)}"


@asynccontextmanager
async def living_bot(
    settings: BotSettings, *, plugin: str = "", clock: Clock | None = None
) -> AsyncIterator[LivingBot]:
    """Open a bot and put it into a guild of its own.

    Args:
        settings: Its settings.
        plugin: Id of the plugin under test.
        clock: Tells the bot and the guild the time; the system's when left out.
    """
    async with (
        open_app(settings, clock=clock, shard_count=1) as app,
        SimulatedGuild.open(app.bot, clock=clock, owner=OWNER) as guild,
    ):
        app.permissions.trust(frozenset({guild.member(OWNER).id}))
        yield LivingBot(app, guild, plugin)
