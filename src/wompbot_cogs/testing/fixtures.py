"""The fixtures of the kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wompbot_cogs.authoring.project import PluginProject, importable, project_of
from wompbot_cogs.host import discover
from wompbot_cogs.manifest import OWNER_GRANTED
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.testing.living import LivingBot, living_bot
from wompcore.clock import SteppedClock
from wompcore.config import DatabaseSettings
from wompcore.testing.model import ScriptedModel

Opener = Callable[[BotSettings], Awaitable[LivingBot]]


@pytest.fixture
def bot_settings(database_settings: DatabaseSettings, model: ScriptedModel) -> BotSettings:
    """Settings of a bot on a fresh database and the scripted model; override it to change some."""
    return BotSettings.model_validate(
        {
            "database": database_settings,
            "llm": {"base_url": model.base_url, "model": "offline-1"},
            "limits": {"person_cooldown_s": 0},
            "ingest": {"flush_s": 0.02},
            "claims": {"gather_s": 0, "explore_share": 0},  # no chance in a test
        }
    )


@pytest.fixture
async def open_bot(bot_settings: BotSettings) -> AsyncIterator[Opener]:
    """Opens bots with all that is installed; they are closed before their database and model are."""
    async with AsyncExitStack() as stack:

        async def opened(settings: BotSettings) -> LivingBot:
            return await stack.enter_async_context(living_bot(settings))

        yield opened


@pytest.fixture
def clock() -> SteppedClock:
    """The bot's clock. It stands still until the test moves it: ``clock.advance(60)``."""
    return SteppedClock(datetime.now(UTC))


@pytest.fixture
def plugin_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PluginProject]:
    """The project that the test belongs to, importable for the length of the test."""
    project = project_of(request.path)
    with importable(project, tmp_path / "installed"):
        yield project


@pytest.fixture
def plugin_id(plugin_project: PluginProject) -> str:
    """Id of the plugin under test; override it in a project of several."""
    [plugin] = plugin_project.plugins
    return plugin


@pytest.fixture
async def bot(bot_settings: BotSettings, plugin_id: str, clock: SteppedClock) -> AsyncIterator[LivingBot]:
    """A running bot with the plugin under test and nothing else; ``await bot.load("chat")`` adds more.

    The plugin was granted what it asks for, as its author owns this bot.
    """
    only = bot_settings.bot.model_copy(update={"plugins": (plugin_id,)})
    settings = bot_settings.model_copy(update={"bot": only})
    async with living_bot(settings, plugin=plugin_id, clock=clock) as bot:
        await _give_all_it_asks_for(bot)
        [state] = [state for state in bot.app.host.states() if state.id == plugin_id]
        assert state.state == "live", state.problem
        yield bot


async def _give_all_it_asks_for(bot: LivingBot) -> None:
    manifest = discover()[bot.plugin].manifest
    if manifest is not None and (awaited := manifest.needs & OWNER_GRANTED):
        for name in sorted(awaited):
            await bot.app.host.grant(bot.plugin, name)
        await bot.load(bot.plugin)
