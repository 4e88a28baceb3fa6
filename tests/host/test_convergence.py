"""What one process is told, every process does; each says what it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from living_bot import OWNER, Living
from plugin_site import PluginSite
from wompbot_cogs import PluginState
from wompbot_cogs.app import App, open_app
from wompbot_cogs.errors import PluginError
from wompbot_cogs.settings import BotSettings
from wompcore.repos.plugins import PluginWish


@pytest.fixture
async def other(living: Living, bot_settings: BotSettings) -> AsyncIterator[App]:
    """Another process's bot on the same database, as far as the host can tell."""
    async with open_app(bot_settings, shard_count=1) as app:
        yield app


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 # nobody tells
            await asyncio.sleep(0.01)


def hello(app: App) -> PluginState:
    never = PluginState("hello", "off", "?")
    return next((state for state in app.host.states() if state.id == "hello"), never)


async def reported(app: App, version: str) -> None:
    """Wait until every process tells that it runs this version."""
    async with asyncio.timeout(60):
        while {process.runs.get("hello") for process in await app.host.processes()} != {version}:  # noqa: ASYNC110 # nobody tells
            await asyncio.sleep(0.01)


def running(app: App) -> set[str]:
    return {state.id for state in app.host.states() if state.state == "live"}


async def test_loading_swapping_and_unloading_reach_every_process(
    living: Living, other: App, site: PluginSite
) -> None:
    site.install("hello")
    await living.app.host.load("hello")
    await until(lambda: hello(other).state == "live")
    site.install("hello", version="2")
    await living.app.host.swap("hello")
    await until(lambda: hello(other).version == "2")
    await reported(living.app, "2")
    shown = (await living.guild.slash(OWNER, "plugins list"))[0].text
    assert shown.count("hello 2") == 2
    site.install("hello", "raise ValueError('no')", version="3")
    with pytest.raises(PluginError):
        await living.app.host.swap("hello")
    assert hello(living.app).problem == "last update refused: ValueError: no"
    await other.host.unload("hello")
    await until(lambda: hello(living.app).state in ("off", "draining"))


async def test_a_quarantine_holds_everywhere_until_it_is_released(
    living: Living, other: App, site: PluginSite
) -> None:
    site.install("hello")
    await living.app.host.load("hello")
    await until(lambda: hello(other).state == "live")
    await living.app.host.quarantine("hello", "it misbehaves")
    await until(lambda: hello(other).state == "quarantined")
    assert hello(other).problem == "it misbehaves"
    await other.host.release("hello")
    await until(lambda: hello(living.app).state == "live")
    with pytest.raises(PluginError, match="not in quarantine"):
        await other.host.release("hello")


async def test_a_quarantine_survives_a_restart(bot_settings: BotSettings, site: PluginSite) -> None:
    site.install("hello")
    async with open_app(bot_settings) as app:
        await app.host.quarantine("hello", "it misbehaves", by_id=7)
    async with open_app(bot_settings) as app:
        assert (hello(app).state, hello(app).problem) == ("quarantined", "it misbehaves")
        assert (await app.host.release("hello")).state == "live"


async def test_what_the_owner_loads_beyond_the_list_stays_also_after_a_restart(
    bot_settings: BotSettings, site: PluginSite
) -> None:
    site.install("hello")
    site.install("other")
    listed = bot_settings.model_copy(
        update={"bot": bot_settings.bot.model_copy(update={"plugins": ("plugins", "other")})}
    )
    async with open_app(listed) as app:
        assert (hello(app).state, hello(app).decision) == ("off", "left out by bot.plugins")
        await app.host.load("hello")
        await app.core.repos.plugins.wish(PluginWish("other", "1", enabled=False))  # makes everybody look
        await until(lambda: "other" not in running(app))
        assert (hello(app).state, hello(app).decision) == ("live", "loaded by hand, beyond bot.plugins")
    async with open_app(listed) as app:
        assert running(app) == {"plugins", "hello"}
        await app.host.swap("hello")
        await app.host.unload("hello")
    async with open_app(listed) as app:
        assert (hello(app).state, hello(app).decision) == ("off", "unloaded by hand")
        assert running(app) == {"plugins"}


async def test_a_swap_is_no_word_of_the_owner_that_outlives_the_list(
    bot_settings: BotSettings, site: PluginSite
) -> None:
    site.install("hello")
    async with open_app(bot_settings) as app:
        await app.host.swap("hello")
        await app.host.load("hello", via="watch")
    bot = bot_settings.bot.model_copy(update={"plugins": ("plugins",)})
    async with open_app(bot_settings.model_copy(update={"bot": bot})) as app:
        assert running(app) == {"plugins"}


async def test_who_did_what_and_how_it_went_is_on_record(living: Living, site: PluginSite) -> None:
    site.install("hello")
    host = living.app.host
    await host.load("hello", by_id=7)
    with pytest.raises(PluginError):
        await host.load("nonsense", by_id=7, via="cli")
    with pytest.raises(PluginError):
        await host.quarantine("plugins")
    changes = [change[1:] for change in map(tuple_of, await living.app.core.repos.plugins.changes())]
    assert changes == [
        ("quarantine", "plugins", None, "discord", "plugin plugins: cannot be quarantined"),
        ("load", "nonsense", 7, "cli", "plugin nonsense: not installed"),
        ("load", "hello", 7, "discord", "done"),
    ]


def tuple_of(change: Any) -> tuple[Any, ...]:
    return (change.at, change.verb, change.plugin, change.by_id, change.via, change.outcome)


EXITING = """
import discord
from discord.ext import commands
from wompbot_cogs import Plugin

class Exiting(commands.Cog):
    @commands.Cog.listener()
    async def on_message(self, message):
        if message.content == "leave":
            raise SystemExit(3)

    @commands.hybrid_command()
    async def leave(self, context):
        "Leave."
        raise SystemExit(3)

plugin = Plugin(lambda context: Exiting())
"""


async def test_a_plugin_that_wants_to_end_the_process_does_not(living: Living, site: PluginSite) -> None:
    site.install("exiting", EXITING)
    await living.app.host.load("exiting")
    await living.guild.say("alice", "leave")
    assert "Something went wrong" in await living.ask("alice", "!leave")
    [answer] = await living.guild.slash("alice", "leave")
    assert "Something went wrong" in answer.text
    assert living.app.host.errors == 3
