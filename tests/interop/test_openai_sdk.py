"""The openai SDK talks to our offline server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from wompcore.llm.offline import EMBEDDING_MODEL, MODEL, offline_server

openai = pytest.importorskip("openai", reason="the openai SDK is not installed; nox -s interop installs it")

ASKED = [{"role": "user", "content": "What is the weather in Oslo?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
async def sdk() -> AsyncIterator[Any]:
    async with (
        offline_server(api_key="sk-1") as server,
        openai.AsyncOpenAI(api_key="sk-1", base_url=server.base_url, max_retries=0) as sdk,
    ):
        yield sdk


async def test_it_completes(sdk: Any) -> None:
    done = await sdk.chat.completions.create(model=MODEL, messages=ASKED)
    assert done.choices[0].message.content
    assert done.choices[0].finish_reason == "stop"
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


async def test_it_streams_the_same_text(sdk: Any) -> None:
    done = await sdk.chat.completions.create(model=MODEL, messages=ASKED)
    stream = await sdk.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == done.choices[0].message.content
    assert chunks[-1].usage == done.usage


async def test_it_calls_a_tool_and_reads_the_answer(sdk: Any) -> None:
    asked = await sdk.chat.completions.create(model=MODEL, messages=ASKED, tools=[WEATHER])
    [call] = asked.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Oslo"}')
    told = {"role": "tool", "tool_call_id": call.id, "content": "Sunny, 21 degrees."}
    turns = [*ASKED, asked.choices[0].message, told]
    done = await sdk.chat.completions.create(model=MODEL, messages=turns, tools=[WEATHER])
    assert "21" in done.choices[0].message.content


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_it_embeds(sdk: Any, encoding: str) -> None:
    done = await sdk.embeddings.create(
        model=EMBEDDING_MODEL, input=["a cat", "a dog"], encoding_format=encoding
    )
    assert len(done.data) == 2
    vectors = await sdk.embeddings.create(model=EMBEDDING_MODEL, input=["a cat", "a dog"])
    assert len(vectors.data[0].embedding) == 256


async def test_it_lists_the_models(sdk: Any) -> None:
    assert MODEL in [model.id async for model in sdk.models.list()]


async def test_a_refused_key_is_its_own_error_there_too(sdk: Any) -> None:
    with pytest.raises(openai.AuthenticationError):
        await sdk.with_options(api_key="sk-2").models.list()
