"""Our client talks to LiteLLM's proxy, which answers with mock responses."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import aiohttp
import pytest

from llm_client import Client, OpenClient, asking, ledger, open_client
from wompcore.llm import ModelError

if find_spec("litellm") is None:  # importing it would ask its maker for prices
    pytest.skip("LiteLLM is not installed; nox -s interop installs it", allow_module_level=True)
__all__ = ["ledger", "open_client"]

KEY = f"sk-{secrets.token_hex(24)}"
STARTS_WITHIN_S = 100.0
CONFIG = """
model_list:
  - model_name: mocked
    litellm_params: {model: openai/mocked, api_key: none, mock_response: "Forty-two, says the mock."}
litellm_settings: {telemetry: false}
"""


@asynccontextmanager
async def proxy(folder: Path) -> AsyncIterator[str]:
    """Run the proxy on a free port; yield its API root."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    config = folder / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    program = Path(sys.executable).with_name("litellm")
    if shutil.which(program) is None:
        pytest.skip("LiteLLM is installed without its proxy")
    command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    environ = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MASTER_KEY": KEY}
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environ)
    try:
        await _ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ready(origin: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(STARTS_WITHIN_S), aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"{origin}/health/liveliness") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)
    pytest.fail("the proxy ended before it answered")


@pytest.mark.timeout(180)
async def test_it_completes_and_streams_through_the_proxy(open_client: OpenClient, tmp_path: Path) -> None:
    async with proxy(tmp_path) as base_url, open_client(base_url, model="mocked", api_key=KEY) as client:
        await the_whole_answer_and_its_pieces_agree(client)
        with pytest.raises(ModelError) as caught:
            await client.chat.complete(asking(model="unheard-of"))
        assert caught.value.hint


async def the_whole_answer_and_its_pieces_agree(client: Client) -> None:
    reply = await client.chat.complete(asking())
    assert reply.text == "Forty-two, says the mock."
    assert (reply.model, reply.finish_reason, reply.usage.estimated) == ("mocked", "stop", False)
    async with client.chat.stream(asking()) as stream:
        text = "".join([delta.text async for delta in stream])
    assert text == stream.reply.text == reply.text
