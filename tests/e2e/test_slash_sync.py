"""Slash commands are registered when they changed, with one call, and a refusal harms nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line import start
from discord_server import TOKEN, DiscordServer
from plugin_site import GREETER, PluginSite, site
from wompbot_cogs.app import App, open_app
from wompbot_cogs.host.slash_sync import changed, fingerprint
from wompbot_cogs.runner import run
from wompbot_cogs.settings import BotSettings
from wompcore.config import DatabaseSettings

__all__ = ["site"]

DESCRIBED = GREETER.replace(
    '@commands.hybrid_command(name="{id}")', '@commands.hybrid_command(name="{id}", description=GREETING)'
)


@pytest.fixture
def settings(discord_server: DiscordServer, database_settings: DatabaseSettings) -> BotSettings:
    return BotSettings.model_validate(
        {
            "database": {"url": database_settings.url},
            "discord": {"token": TOKEN, "api_base": discord_server.api_base},
            "llm": {"base_url": "http://127.0.0.1:9/v1"},
        }
    )


@pytest.fixture
async def app(settings: BotSettings, discord_server: DiscordServer) -> AsyncIterator[App]:
    async with open_app(settings) as app:
        running = asyncio.create_task(run(app.bot, settings.discord))
        await discord_server.until(identified=1)
        await app.bot.wait_until_ready()
        yield app
        running.cancel()
        await asyncio.wait([running])


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 # nobody tells
            await asyncio.sleep(0.01)


async def quiet(app: App) -> int:
    """Return the number of calls once nothing waits to be registered."""
    await asyncio.sleep(0.1)  # twice the time in which changes are gathered
    await until(lambda: app.bot.slash._task is None or app.bot.slash._task.done())
    return app.bot.slash.calls


async def test_a_swap_that_changes_no_command_calls_nobody_and_a_change_calls_once(
    app: App, discord_server: DiscordServer, site: PluginSite
) -> None:
    assert await quiet(app) == 1
    site.install("hello", DESCRIBED, words="GREETING = 'one'")
    await app.host.load("hello")
    assert await quiet(app) == 2
    for plugin in ("hello", "chat", "spend"):
        await app.host.swap(plugin)
    assert await quiet(app) == 2
    site.install("hello", DESCRIBED, words="GREETING = 'two'")
    await app.host.swap("hello")
    assert await quiet(app) == 3
    [hello] = [command for command in discord_server.registered[-1] if command["name"] == "hello"]
    assert hello["description"] == "two"


async def test_commands_of_one_guild_are_registered_there_and_leave_with_their_plugin(
    app: App, discord_server: DiscordServer, site: PluginSite
) -> None:
    assert await quiet(app) == 1
    guild_id = app.bot.guilds[0].id
    here = (
        GREETER.replace("import commands\n", "import commands\nimport discord\n")
        .replace(
            '@commands.hybrid_command(name="{id}")',
            f'@discord.app_commands.guilds({guild_id})\n    @discord.app_commands.command(name="{{id}}")',
        )
        .replace("context.send", "context.response.send_message")
    )
    site.install("hello", here)
    await app.host.load("hello")
    assert await quiet(app) == 2
    assert [command["name"] for command in discord_server.registered[-1]] == ["hello"]
    assert f"/guilds/{guild_id}/commands" in discord_server.requests[-1]
    await app.host.unload("hello")
    assert await quiet(app) == 3
    assert discord_server.registered[-1] == []


async def test_of_several_processes_one_registers_a_change(
    app: App, settings: BotSettings, discord_server: DiscordServer, site: PluginSite
) -> None:
    assert await quiet(app) == 1
    async with open_app(settings) as other:
        running = asyncio.create_task(run(other.bot, settings.discord))
        await discord_server.until(identified=2)
        await other.bot.wait_until_ready()
        assert await quiet(other) == 0  # what is registered counts for every process
        site.install("hello", DESCRIBED, words="GREETING = 'one'")
        await app.host.load("hello")
        await until(
            lambda: any(state.id == "hello" and state.state == "live" for state in other.host.states())
        )
        await asyncio.gather(app.bot.slash.sync(), other.bot.slash.sync())  # both see it at one time
        assert await quiet(app) + await quiet(other) == 2
        running.cancel()
        await asyncio.wait([running])


async def test_a_turn_that_a_dead_process_left_is_taken_over(
    app: App, discord_server: DiscordServer, site: PluginSite
) -> None:
    assert await quiet(app) == 1
    app.bot.slash.call_s = 0.2
    assert await app.core.repos.guilds.take_turn("commands_turn", "another", 60.0)
    site.install("hello")
    await app.host.load("hello")
    await until(lambda: app.bot.slash.calls == 2)


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (400, {"code": 30034, "message": "Max number of daily application command creates"}, "today"),
        (429, {"retry_after": 3600.0, "message": "slow down", "global": False}, "wait"),
        (400, {"code": 50035, "message": "Invalid Form Body"}, "50035"),
        (200, {"message": "this is no list of commands"}, "nothing that can be read"),
    ],
)
async def test_a_refusal_is_survived_and_shown(
    settings: BotSettings,
    discord_server: DiscordServer,
    status: int,
    body: dict[str, Any],
    shown: str,
) -> None:
    discord_server.refusals.append((status, body))
    async with open_app(settings) as app:
        app.bot.slash.call_s = 0.2
        running = asyncio.create_task(run(app.bot, settings.discord))
        await until(lambda: app.bot.slash.problem)
        assert shown in app.bot.slash.problem
        assert app.host.slash_problem() == app.bot.slash.problem
        discord_server.refusals.clear()
        app.bot.slash.soon()
        await until(lambda: not app.bot.slash.problem)
        assert len(discord_server.registered) == 1
        running.cancel()
        await asyncio.wait([running])


@pytest.mark.endurance(only=True)
async def test_the_command_line_registers_once(settings: BotSettings, discord_server: DiscordServer) -> None:
    given = {
        "database": {"url": settings.database.url},
        "discord": {"token": TOKEN, "api_base": discord_server.api_base},
    }
    for answer in ("Registered: global.", "Nothing changed."):
        process = await start("sync", settings=given)
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert answer in out.decode()
    assert len(discord_server.registered) == 1


PAYLOADS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcd"), "type": st.integers(1, 3), "x": st.integers()}),
    unique_by=lambda item: (item["name"], item["type"]),
)


@given(PAYLOADS, st.randoms())
def test_the_order_of_commands_is_no_change(payload: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(payload, len(payload))
    assert fingerprint(payload) == fingerprint(shuffled)


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy")),
       st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy")))  # fmt: skip
def test_what_changed_is_what_differs(known: dict[str, str], now: dict[str, str]) -> None:
    assert changed(known, known) == []
    after = {place: known[place] for place in known if place not in changed(known, now)}
    assert after | {place: now[place] for place in changed(known, now) if place in now} == now
