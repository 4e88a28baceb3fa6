"""The OpenAI-compatible server on loopback, spoken to as any client would."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from operator import mul
from typing import Any

import aiohttp
import pytest

from wompcore.errors import PortTaken
from wompcore.llm.offline import Fault, OfflineServer, offline_server

QUESTION = {"model": "any", "messages": [{"role": "user", "content": "who are you?"}]}
DICE = {
    "type": "function",
    "function": {
        "name": "roll_dice",
        "parameters": {"properties": {"sides": {"type": "integer"}}, "required": ["sides"]},
    },
}


@pytest.fixture
async def server() -> AsyncIterator[OfflineServer]:
    async with offline_server(record=5) as server:
        yield server


async def post(server: OfflineServer, path: str, body: object) -> tuple[int, bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.base_url + path, data=data) as response,
    ):
        return response.status, await response.read()


async def streamed(server: OfflineServer, **more: Any) -> list[dict[str, Any]]:
    status, body = await post(server, "/chat/completions", {**QUESTION, "stream": True, **more})
    assert status == 200
    *events, done, rest = body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def test_a_completion_has_the_shape_that_clients_expect(server: OfflineServer) -> None:
    status, body = await post(server, "/chat/completions", QUESTION)
    answer = json.loads(body)
    assert status == 200
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "offline-1"
    assert "stand-in" in answer["choices"][0]["message"]["content"]
    assert answer["usage"]["total_tokens"] == (
        answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]
    )


async def test_a_stream_carries_the_same_answer_in_pieces(server: OfflineServer) -> None:
    whole = json.loads((await post(server, "/chat/completions", QUESTION))[1])
    chunks = await streamed(server, stream_options={"include_usage": True})
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])
    assert text == whole["choices"][0]["message"]["content"]
    assert len(chunks) > 10
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], whole["usage"])


async def test_usage_is_streamed_only_when_asked_for(server: OfflineServer) -> None:
    assert all("usage" not in chunk for chunk in await streamed(server))


async def test_a_streamed_tool_call_comes_in_fragments(server: OfflineServer) -> None:
    messages = [{"role": "user", "content": "roll a dice with 123456789 sides"}]
    chunks = await streamed(server, messages=messages, tools=[DICE])
    parts = [part for chunk in chunks for part in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert parts[0]["function"] == {"name": "roll_dice", "arguments": ""}
    assert len(parts) > 2
    assert json.loads("".join(part["function"]["arguments"] for part in parts)) == {"sides": 123456789}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def vectors(server: OfflineServer, *texts: str, **more: Any) -> list[list[float]]:
    body = json.loads((await post(server, "/embeddings", {"input": texts, **more}))[1])
    assert [entry["index"] for entry in body["data"]] == list(range(len(texts)))
    return [entry["embedding"] for entry in body["data"]]


async def test_embeddings_are_deterministic_unit_vectors_of_the_words(server: OfflineServer) -> None:
    first, same, near, far = await vectors(
        server, "the nvidia driver broke", "the nvidia driver broke", "drivers from nvidia", "ramen for lunch"
    )
    assert first == same
    assert len(first) == 256
    assert math.isclose(math.hypot(*first), 1.0)
    assert sum(map(mul, first, near)) > 0.5
    assert abs(sum(map(mul, first, far))) < 0.3


@pytest.mark.parametrize("text", ["", "the of and", "日本語", "x" * 100_000])
async def test_every_text_has_a_unit_vector_of_the_asked_length(server: OfflineServer, text: str) -> None:
    [vector] = await vectors(server, text, dimensions=8)
    assert len(vector) == 8
    assert math.isclose(math.hypot(*vector), 1.0)


async def test_embeddings_come_in_base64_too(server: OfflineServer) -> None:
    [plain] = await vectors(server, "hello world", dimensions=16)
    [packed] = await vectors(server, "hello world", dimensions=16, encoding_format="base64")
    unpacked = struct.unpack("<16f", base64.b64decode(str(packed)))
    assert unpacked == pytest.approx(plain)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat/completions", b"not json"),
        ("/chat/completions", b"[]"),
        ("/chat/completions", b'{"messages": []}'),
        ("/chat/completions", b'{"messages": "hi"}'),
        ("/embeddings", b'{"input": []}'),
        ("/embeddings", b'{"input": [1]}'),
        ("/embeddings", b'{"input": "x", "dimensions": 1000000000}'),
    ],
)
async def test_a_bad_request_is_refused_with_a_reason(server: OfflineServer, path: str, body: bytes) -> None:
    status, answer = await post(server, path, body)
    assert status == 400
    assert json.loads(answer)["error"]["message"]


async def test_lone_surrogates_come_back_as_json(server: OfflineServer) -> None:
    messages = [{"role": "user", "content": "ann: \ud800 wow"}, {"role": "user", "content": "who said wow?"}]
    for stream in (True, False):
        status, answer = await post(server, "/chat/completions", {"messages": messages, "stream": stream})
        assert status == 200
        assert b"\\ud800" in answer


async def test_the_models_are_listed_and_a_key_can_be_asked_for() -> None:
    async with offline_server(api_key="k", model_name="m") as server, aiohttp.ClientSession() as session:
        async with session.get(f"{server.base_url}/models") as refused:
            assert refused.status == 401
        async with session.get(f"{server.base_url}/models", headers={"Authorization": "Bearer k"}) as listed:
            assert [model["id"] for model in (await listed.json())["data"]] == ["m", "offline-embedding-1"]


async def test_faults_come_once_each_in_order_and_requests_are_recorded() -> None:
    faults = [Fault(status=503, body=b"busy"), None, Fault(delay_s=0.01)]
    async with offline_server(faults=faults, record=2) as server:
        statuses = [(await post(server, "/chat/completions", QUESTION))[0] for _ in range(4)]
        assert statuses == [503, 200, 200, 200]
        assert server.requests == 4
        assert [json.loads(request.body) for request in server.recorded] == [QUESTION] * 2


async def test_a_taken_port_is_told_with_a_remedy(server: OfflineServer) -> None:
    port = int(server.base_url.split(":")[2].removesuffix("/v1"))
    with pytest.raises(PortTaken, match=f"127.0.0.1:{port}") as caught:
        async with offline_server(port=port):
            pass
    assert caught.value.hint


async def test_it_runs_as_a_program_of_its_own() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wompcore.llm.offline", stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    base_url = (await program.stdout.readline()).decode().strip()
    async with aiohttp.ClientSession() as session, session.get(f"{base_url}/models") as response:
        assert response.status == 200
    program.terminate()
    await program.communicate()


def test_importing_the_model_client_loads_no_http_client_and_no_database_driver() -> None:
    code = "import sys, wompcore.llm; print({'aiohttp', 'psycopg', 'pydantic'} & sys.modules.keys())"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "set()"
