"""The model client against an endpoint over real HTTP.

The endpoint is the offline stand-in, or the one that WOMPBOT_INTEROP_BASE_URL names, with
WOMPBOT_INTEROP_API_KEY and WOMPBOT_INTEROP_MODEL: that is what ``nox -s interop`` runs.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from wompcore import ChatRequest, Core, CoreSettings, Message
from wompcore.config import DatabaseSettings
from wompcore.llm import ToolCall, ToolSpec
from wompcore.llm.offline import MODEL, offline_server
from wompcore.usage import Attribution, Purpose

FOR = Attribution(Purpose.CHAT, channel_id=10, person_id=1)
WEATHER = ToolSpec(
    "weather",
    "Tells the weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
QUESTION = Message("user", "What is the weather in Oslo?")


@pytest.fixture
async def core(database_settings: DatabaseSettings) -> AsyncIterator[Core]:
    async with offline_server() as server:
        base_url = os.environ.get("WOMPBOT_INTEROP_BASE_URL") or server.base_url
        llm = {
            "base_url": base_url,
            "api_key": os.environ.get("WOMPBOT_INTEROP_API_KEY", ""),
            "model": os.environ.get("WOMPBOT_INTEROP_MODEL") or MODEL,
            "max_tokens": 200,
        }
        costs = {"default_price": {"input": "1", "output": "2"}}
        settings = CoreSettings.model_validate({"database": database_settings, "llm": llm, "costs": costs})
        async with Core.open(settings) as core:
            yield core


async def test_the_endpoint_takes_the_key(core: Core) -> None:
    assert await core.llm.probe()


async def test_a_question_gets_an_answer_with_its_usage(core: Core) -> None:
    reply = await core.llm.complete(ChatRequest((QUESTION,), FOR))
    assert reply.text
    assert reply.usage.input > 0
    assert reply.usage.output > 0
    assert reply.attempts == 1


async def test_a_call_is_recorded_once_with_its_cost(core: Core) -> None:
    reply = await core.llm.complete(ChatRequest((QUESTION,), FOR))
    entries = await core.db.fetch_all("SELECT person_id, cost_usd FROM cost_entries")
    assert entries == [(1, reply.cost)]
    assert await core.ledger.month_total() == reply.cost


async def test_tools_on_offer_are_understood(core: Core) -> None:
    reply = await core.llm.complete(ChatRequest((QUESTION,), FOR, tools=(WEATHER,)))
    assert reply.text or [call.name for call in reply.tool_calls] == ["weather"]


async def test_a_tools_result_leads_to_an_answer(core: Core) -> None:
    call = ToolCall("call_1", "weather", '{"city": "Oslo"}')
    asked = Message("assistant", "", tool_calls=(call,))
    told = Message("tool", "Sunny, 21 degrees.", name="weather", tool_call_id=call.id)
    reply = await core.llm.complete(ChatRequest((QUESTION, asked, told), FOR, tools=(WEATHER,)))
    assert "21" in reply.text


async def test_an_answer_follows_a_schema(core: Core) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    reply = await core.llm.complete(ChatRequest((QUESTION,), FOR, response_schema=schema))
    assert reply.text.lstrip().startswith("{")
