"""``wompbot run`` against a Discord-compatible server: connect, survive, fill gaps, stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from command_line import start
from discord_payloads import BOT_ID
from discord_server import TOKEN, DiscordServer
from wompbot_cogs.app import App, open_app
from wompbot_cogs.runner import Backoff, run
from wompbot_cogs.settings import BotSettings
from wompcore.config import DatabaseSettings
from wompcore.llm.offline import Fault, OfflineServer, offline_server

QUESTION = f"<@{BOT_ID}> who are you?"


@pytest.fixture
async def model() -> AsyncIterator[OfflineServer]:
    async with offline_server() as server:
        yield server


@pytest.fixture
def settings(
    discord_server: DiscordServer, database_settings: DatabaseSettings, model: OfflineServer
) -> BotSettings:
    return BotSettings.model_validate(
        {
            "database": {"url": database_settings.url},
            "discord": {"token": TOKEN, "api_base": discord_server.api_base},
            "llm": {"base_url": model.base_url},
            "ingest": {"flush_s": 0.02},
            "limits": {"person_cooldown_s": 0},
        }
    )


@asynccontextmanager
async def connected(settings: BotSettings, server: DiscordServer) -> AsyncIterator[App]:
    """A bot that is connected to the server."""
    sessions = len(server.identified)
    async with open_app(settings) as app:
        task = asyncio.create_task(run(app.bot, settings.discord, backoff=Backoff(first_s=0.01)))
        try:
            await server.until(identified=sessions + 1)
            await app.bot.wait_until_ready()
            yield app
        finally:
            task.cancel()
            await asyncio.wait([task])


async def answer(server: DiscordServer) -> str:
    """Ask the bot something; return what it says once it no longer thinks."""
    await server.say(QUESTION)
    await server.reply()  # the placeholder
    return await server.reply()


async def texts(app: App, *, of: int) -> list[str]:
    """Return what is stored, oldest first, once there is so much of it."""
    async with asyncio.timeout(60):
        while True:
            await app.core.messages.flush()
            rows = await app.core.db.fetch_all("SELECT text FROM messages WHERE NOT is_bot ORDER BY id")
            if len(rows) >= of:
                return [text for (text,) in rows]
            await asyncio.sleep(0.02)


async def test_a_malformed_event_leaves_services_and_plugins_as_they_were(
    settings: BotSettings, discord_server: DiscordServer
) -> None:
    async with connected(settings, discord_server) as app:
        before = app.host.states()
        assert {state.state for state in before} == {"live"}
        await discord_server.dispatch("MESSAGE_CREATE", {"id": "not a number"})
        await discord_server.until(identified=2)
        assert "offline" in await answer(discord_server)
        assert [(state.id, state.since) for state in app.host.states()] == [
            (state.id, state.since) for state in before
        ]


async def gaps_are_closed(app: App) -> None:
    """Wait until no gap is noted: one is forgotten a moment after its messages are stored."""
    async with asyncio.timeout(10):
        while await app.core.repos.messages.gaps():  # noqa: ASYNC110 # nobody tells
            await asyncio.sleep(0.01)


async def test_what_was_said_while_a_session_was_lost_is_stored_once(
    settings: BotSettings, discord_server: DiscordServer
) -> None:
    async with connected(settings, discord_server) as app:
        await discord_server.say("first")
        assert await texts(app, of=1) == ["first"]
        await discord_server.say("missed", seen=False)
        await discord_server.send_text("<html>")
        await discord_server.until(identified=2)
        await discord_server.say("last")  # stored at once, before the gap is filled
        assert await texts(app, of=3) == ["first", "missed", "last"]
        await gaps_are_closed(app)


async def test_what_was_said_while_the_bot_was_off_is_stored_once(
    settings: BotSettings, discord_server: DiscordServer
) -> None:
    async with connected(settings, discord_server) as app:
        await discord_server.say("before")
        assert await texts(app, of=1) == ["before"]
    said = [f"missed {number}" for number in range(250)]  # more than two pages of history
    for text in said:
        await discord_server.say(text, seen=False)
    async with connected(settings, discord_server) as app:
        assert await texts(app, of=251) == ["before", *said]


@pytest.mark.endurance(only=True)
async def test_history_of_people_who_opted_out_stays_out(
    settings: BotSettings, discord_server: DiscordServer
) -> None:
    async with connected(settings, discord_server) as app:
        await discord_server.say("hello", author=1)
        await texts(app, of=1)
        await app.core.consent.withdraw(2, method="test")
        await discord_server.say("private", author=2, seen=False)
        await discord_server.say("public", author=1, seen=False)
        await discord_server.send_text("<html>")
        assert await texts(app, of=2) == ["hello", "public"]


async def test_slash_commands_are_registered_once(
    settings: BotSettings, discord_server: DiscordServer
) -> None:
    for _ in range(2):
        async with connected(settings, discord_server):
            await answer(discord_server)
            await discord_server.until(registered=1)
    [commands] = discord_server.registered
    assert {"optout", "settings", "plugins"} <= {command["name"] for command in commands}


# -- the process ---------------------------------------------------------------------------------


@asynccontextmanager
async def process(settings: BotSettings, **discord: object) -> AsyncIterator[asyncio.subprocess.Process]:
    given = {
        "database": {"url": settings.database.url},
        "discord": {"token": TOKEN, "api_base": settings.discord.api_base, **discord},
        "llm": {"base_url": settings.llm.base_url},
    }
    started = await start("run", settings=given)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


@pytest.mark.endurance(only=True)
async def test_a_stopped_process_ends_its_reply_first(
    discord_server: DiscordServer, database_settings: DatabaseSettings
) -> None:
    slow = [Fault(delay_s=1.5)]
    async with offline_server(faults=slow) as model:
        given = BotSettings.model_validate(
            {
                "database": {"url": database_settings.url},
                "discord": {"api_base": discord_server.api_base},
                "llm": {"base_url": model.base_url},
            }
        )
        async with process(given) as bot:
            await discord_server.until(identified=1)
            await discord_server.say(QUESTION)
            await discord_server.reply()
            bot.terminate()
            assert "offline" in await discord_server.reply()
            out, err = await bot.communicate()
    assert (bot.returncode, "ERROR" in err.decode()) == (0, False), err.decode()
    assert out.decode().endswith("Stopped.\n")


async def test_without_message_content_it_says_so_and_still_answers_mentions(
    settings: BotSettings, discord_server: DiscordServer
) -> None:
    discord_server.flags = 0
    async with process(settings, message_content=False) as bot:
        await discord_server.until(identified=1)
        assert not discord_server.identified[0]["intents"] & 1 << 15
        assert "offline" in await answer(discord_server)
        bot.terminate()
        out, _ = await bot.communicate()
    assert "mentions, direct messages and slash commands only" in out.decode()
    assert bot.returncode == 0
