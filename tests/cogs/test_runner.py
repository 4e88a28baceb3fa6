from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from discord_server import CHANNEL_ID, TOKEN, DiscordServer
from wompbot_cogs import _dpy
from wompbot_cogs.errors import IntentsRefused, TokenRefused
from wompbot_cogs.gateway import ReconnectableBot
from wompbot_cogs.runner import Backoff, run
from wompbot_cogs.settings import DiscordSettings

QUICK = Backoff(first_s=0.01)


class Echo(ReconnectableBot):
    """Answers every message, and counts what the runner asks of it."""

    def __init__(self) -> None:
        super().__init__("!", intents=discord.Intents.default(), guild_ready_timeout=0.05)
        self.set_up = 0
        self.filled = asyncio.Event()

    async def setup_hook(self) -> None:
        self.set_up += 1

    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot:
            await message.channel.send(f"heard {message.content}")

    async def fill_gaps(self, began_at: datetime) -> int:
        self.filled.set()
        return 0

    async def until_filled(self) -> None:
        async with asyncio.timeout(60):
            await self.filled.wait()
        self.filled.clear()


def settings_of(server: DiscordServer, **changes: Any) -> DiscordSettings:
    values = {"token": SecretStr(TOKEN), "api_base": server.api_base, **changes}
    return DiscordSettings(**values)


@asynccontextmanager
async def started(server: DiscordServer, **changes: Any) -> AsyncIterator[tuple[Echo, asyncio.Task[None]]]:
    settings = settings_of(server, **changes)
    with _dpy.pointed_at(settings.api_base):
        async with Echo() as bot:
            task = asyncio.create_task(run(bot, settings, backoff=QUICK))
            yield bot, task
            task.cancel()
            await asyncio.wait([task])


@asynccontextmanager
async def running(server: DiscordServer) -> AsyncIterator[Echo]:
    async with started(server) as (bot, task):
        await server.until(identified=1)
        await bot.until_filled()
        yield bot
        assert not task.done()


async def test_one_malformed_event_costs_a_connection_and_nothing_else(discord_server: DiscordServer) -> None:
    async with running(discord_server) as bot:
        await discord_server.dispatch("MESSAGE_CREATE", {"id": "not a number"})
        await discord_server.until(identified=2)
        await discord_server.say("hello")
        assert await discord_server.reply() == "heard hello"
        assert bot.set_up == 1


async def test_a_frame_that_is_no_json_costs_a_connection_and_nothing_else(
    discord_server: DiscordServer,
) -> None:
    async with running(discord_server):
        await discord_server.send_text("<html>")
        await discord_server.until(identified=2)
        await discord_server.say("hello")
        assert await discord_server.reply() == "heard hello"


async def test_gaps_are_filled_after_every_new_session(discord_server: DiscordServer) -> None:
    async with running(discord_server) as bot:
        await discord_server.send_text("<html>")
        await bot.until_filled()


async def test_a_dropped_connection_is_resumed_without_filling_gaps(discord_server: DiscordServer) -> None:
    async with running(discord_server) as bot:
        await discord_server.drop(4000)
        await discord_server.until(resumed=1)
        await discord_server.say("hello")
        assert await discord_server.reply() == "heard hello"
        assert not bot.filled.is_set()


@pytest.mark.endurance(only=True)
async def test_a_forgotten_session_starts_anew_on_the_same_server(discord_server: DiscordServer) -> None:
    async with running(discord_server) as bot:
        await discord_server.invalidate_sessions()
        await discord_server.until(identified=2)
        await bot.until_filled()


async def test_a_stop_signal_leaves_the_bot_open_for_replies_in_progress(
    discord_server: DiscordServer,
) -> None:
    async with started(discord_server) as (bot, task):
        await discord_server.until(identified=1)
        os.kill(os.getpid(), signal.SIGTERM)
        await task
        assert not bot.is_closed()
        await bot.get_partial_messageable(CHANNEL_ID).send("the end of a reply")
        assert await discord_server.reply() == "the end of a reply"


async def test_a_refused_token_ends_the_run(discord_server: DiscordServer) -> None:
    async with started(discord_server, token=SecretStr("wrong")) as (_, task):
        with pytest.raises(TokenRefused):
            await task


@pytest.mark.parametrize(("code", "expected"), [(4004, TokenRefused), (4014, IntentsRefused)])
async def test_a_gateway_that_refuses_for_good_ends_the_run(
    discord_server: DiscordServer, code: int, expected: type[Exception]
) -> None:
    discord_server.close_identify_with = code
    async with started(discord_server) as (_, task):
        with pytest.raises(expected):
            await task


async def test_a_token_that_is_withdrawn_meanwhile_ends_the_run(discord_server: DiscordServer) -> None:
    async with started(discord_server) as (_, task):
        await discord_server.until(identified=1)
        discord_server.token = "another"
        await discord_server.send_text("<html>")
        with pytest.raises(TokenRefused):
            await task


async def test_a_bot_that_is_closed_ends_the_run(discord_server: DiscordServer) -> None:
    async with started(discord_server) as (bot, task):
        await discord_server.until(identified=1)
        await bot.close()
        await task


async def test_the_last_sessions_of_a_day_are_left_unused(
    discord_server: DiscordServer, caplog: pytest.LogCaptureFixture
) -> None:
    discord_server.starts_left = 5
    async with running(discord_server):
        assert "too many sessions" in caplog.text


async def test_refused_intents_name_themselves_and_the_page_that_has_them(
    discord_server: DiscordServer,
) -> None:
    error = IntentsRefused(("Message Content Intent",), 5)
    assert "'Message Content Intent'" in error.message
    assert "developers/applications/5/bot" in error.hint
    assert "discord.message_content = false" in error.hint


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_pause_is_between_one_second_and_a_minute(failures: int, jitter: float) -> None:
    assert 1.0 <= Backoff().pause_s(failures, jitter) <= 60.0


def test_pauses_grow_until_the_longest() -> None:
    pauses = [Backoff().pause_s(failures, 0.0) for failures in range(1, 9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
