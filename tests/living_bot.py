"""A whole bot in a simulated guild: real database, real discord.py, a model over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from wompbot_cogs.app import App, open_app
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.simulated import SimulatedGuild
from wompcore.config import DatabaseSettings
from wompcore.llm.offline import OfflineServer, offline_server

OWNER = "olivia"


@dataclass(frozen=True)
class Living:
    """A bot and the place it lives in."""

    app: App
    guild: SimulatedGuild

    async def ask(self, name: str, text: str) -> str:
        """Say something and return the bot's last words afterwards; empty if it said nothing new."""
        before = len(self.guild.answers())
        await self.guild.say(name, text)
        answers = self.guild.answers()
        return answers[-1].text if len(answers) > before else ""


@pytest.fixture
async def model() -> AsyncIterator[OfflineServer]:
    """The offline model behind HTTP on loopback."""
    async with offline_server() as server:
        yield server


@pytest.fixture
def bot_settings(database_settings: DatabaseSettings, model: OfflineServer) -> BotSettings:
    """Settings of a bot on a fresh database and the offline model."""
    return BotSettings.model_validate(
        {
            "database": database_settings,
            "llm": {"base_url": model.base_url, "model": "offline-1"},
            "limits": {"person_cooldown_s": 0},
            "ingest": {"flush_s": 0.02},
        }
    )


Opener = Callable[[BotSettings], Awaitable[Living]]


@pytest.fixture
async def open_bot(bot_settings: BotSettings) -> AsyncIterator[Opener]:
    """Opens bots; they are closed before their database and model are."""
    async with AsyncExitStack() as stack:

        async def opened(settings: BotSettings) -> Living:
            app = await stack.enter_async_context(open_app(settings, shard_count=1))
            guild = await stack.enter_async_context(SimulatedGuild.open(app.bot, owner=OWNER))
            app.permissions.trust(frozenset({guild.member(OWNER).id}))
            return Living(app, guild)

        yield opened


@pytest.fixture
async def living(open_bot: Opener, bot_settings: BotSettings) -> Living:
    """A bot with every built-in cog in a simulated guild; olivia owns both."""
    return await open_bot(bot_settings)
