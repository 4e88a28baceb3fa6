"""The conversation's tools: searching the web, and the asker's word before anything is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from aiohttp import web

from living_bot import Living, Opener
from loopback import serve
from wompbot_cogs.cogs.chat.approval import ButtonApprover
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.simulated import Said
from wompcore.config import SearchSettings
from wompcore.llm.offline import offline_server
from wompcore.llm.tools import Act
from wompcore.search import SearchResult
from wompcore.search.offline import OfflineSearch, offline_search
from wompcore.usage import Attribution, Purpose

PAGE = SearchResult("Kernel 7.1", "https://kernel.example/7.1", "The kernel of the web is out.")


@pytest.fixture
async def engine() -> AsyncIterator[OfflineSearch]:
    async with offline_search([PAGE]) as server:
        yield server


def with_search(settings: BotSettings, base_url: str) -> BotSettings:
    search = SearchSettings(provider="searxng", base_url=base_url)
    return settings.model_copy(update={"search": search})


async def test_a_question_for_the_web_is_searched_and_both_calls_are_in_the_ledger(
    open_bot: Opener, bot_settings: BotSettings, engine: OfflineSearch
) -> None:
    living = await open_bot(with_search(bot_settings, engine.base_url))
    answer = await living.ask("alice", "wompbot, search the web for the new kernel")
    assert engine.requests == 1
    assert "Kernel 7.1" in answer
    assert "https://kernel.example/7.1" in answer
    assert "outside-text" not in answer
    rows = await living.app.core.db.fetch_all("SELECT purpose, plugin FROM cost_entries ORDER BY id")
    assert rows == [("chat", "chat"), ("search", "chat"), ("chat", "chat")]


async def test_a_search_that_fails_still_ends_in_an_answer(
    open_bot: Opener, bot_settings: BotSettings
) -> None:
    async def broken(request: web.Request) -> web.Response:
        return web.Response(status=500)

    async with serve(broken) as origin:
        living = await open_bot(with_search(bot_settings, origin))
        answer = await living.ask("alice", "wompbot, search the web for the new kernel")
    assert "does not answer right now" in answer


@pytest.mark.parametrize("provider", ["", "searxng"])
async def test_search_is_offered_when_it_is_set_up(
    open_bot: Opener, bot_settings: BotSettings, engine: OfflineSearch, provider: str
) -> None:
    async with offline_server(record=1) as model:
        llm = bot_settings.llm.model_copy(update={"base_url": model.base_url})
        settings = bot_settings.model_copy(update={"llm": llm})
        living = await open_bot(with_search(settings, engine.base_url) if provider else settings)
        await living.ask("alice", "wompbot, who are you?")
        [request] = model.recorded
    tools = json.loads(request.body).get("tools", [])
    assert [tool["function"]["name"] for tool in tools] == (["web_search"] if provider else [])


async def test_a_link_that_the_model_made_up_is_not_opened(
    open_bot: Opener, bot_settings: BotSettings
) -> None:
    completion: dict[str, Any] = {
        "choices": [{"message": {"content": "see https://evil.example/?q=secret and https://b.example"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0},
    }

    async def model(request: web.Request) -> web.Response:
        return web.json_response(completion)

    async with serve(model) as origin:
        llm = bot_settings.llm.model_copy(update={"base_url": origin})
        living = await open_bot(bot_settings.model_copy(update={"llm": llm}))
        await living.guild.say("bob", "I like https://b.example")
        first = await living.ask("alice", "wompbot, where?")
        again = await living.ask("alice", "wompbot, where again?")
    assert first == again == "see <https://evil.example/?q=secret> and https://b.example"


# -- the asker's word -----------------------------------------------------------------------------


async def asked_by(living: Living, name: str) -> discord.Message:
    message_id = await living.guild.say(name, "please delete that")
    channel = living.app.bot.get_channel(living.guild.channel_id())
    assert isinstance(channel, discord.TextChannel)
    return await channel.fetch_message(message_id)


def act_of(source: discord.Message, right: str = "", **changes: Any) -> Act:
    who = {"guild_id": source.guild and source.guild.id, "person_id": source.author.id, **changes}
    arguments = {"what": "```<@1> @everyone https://x.example"}
    return Act("delete", "Delete it.", right, arguments, Attribution(Purpose.CHAT, **who))


async def ask(living: Living, source: discord.Message, **more: Any) -> tuple[asyncio.Task[bool], Said]:
    """Have the asker asked; return the task that ends with their word, and the question."""
    said: asyncio.Queue[Said] = asyncio.Queue()
    living.guild.listen(lambda message, is_new: said.put_nowait(message) if is_new else None)
    asking = asyncio.create_task(ButtonApprover(source, **more).confirms(act_of(source)))
    return asking, await said.get()


@pytest.mark.parametrize(("label", "agreed"), [("Do it", True), ("Leave it", False)])
async def test_the_asker_decides_by_a_button(living: Living, label: str, agreed: bool) -> None:
    source = await asked_by(living, "alice")
    asking, shown = await ask(living, source)
    assert "`delete`" in shown.text
    assert shown.text.count("```") == 2
    message = await source.channel.fetch_message(shown.id)
    await living.guild.member("alice").click(message, label=label)
    assert await asking is agreed
    message = await source.channel.fetch_message(shown.id)
    assert message.components == []


async def test_nobody_else_can_press_and_silence_is_a_no(living: Living) -> None:
    source = await asked_by(living, "alice")
    asking, shown = await ask(living, source, wait_s=0.5)
    message = await source.channel.fetch_message(shown.id)
    result = await living.guild.member("bob").click(message, label="Do it")
    assert result.ephemeral
    assert await asking is False


async def test_the_askers_rights_are_those_of_their_guild(living: Living) -> None:
    alice, olivia = await asked_by(living, "alice"), await asked_by(living, "olivia")
    assert await ButtonApprover(alice).permits(act_of(alice))
    assert await ButtonApprover(olivia).permits(act_of(olivia, "manage_messages"))
    assert not await ButtonApprover(alice).permits(act_of(alice, "manage_messages"))
    assert not await ButtonApprover(olivia).permits(act_of(olivia, "no_such_right"))
    assert not await ButtonApprover(olivia).permits(act_of(olivia, guild_id=1))
    assert not await ButtonApprover(olivia).permits(act_of(olivia, person_id=alice.author.id))
