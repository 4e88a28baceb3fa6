"""Each thing that can be wrong with an endpoint has its own error, with a remedy."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from llm_client import OpenClient, asking
from wompcore.llm import (
    ModelAnswerInvalid,
    ModelError,
    ModelRateLimited,
    ModelRequestRefused,
    ModelUnauthorized,
    ModelUnavailable,
)
from wompcore.llm.offline import Fault, offline_server

HTML = Fault(headers={"Content-Type": "text/html"}, body=b"<!DOCTYPE html><html><body>Welcome</body></html>")

ENDPOINTS = [
    pytest.param(HTML, ModelAnswerInvalid, "web page", id="a web page"),
    pytest.param(Fault(status=401), ModelUnauthorized, "401", id="a refused key"),
    pytest.param(Fault(status=404), ModelRequestRefused, "404", id="nothing at this path"),
    pytest.param(Fault(status=429), ModelRateLimited, "429", id="a rate limit"),
    pytest.param(Fault(status=503), ModelUnavailable, "503", id="down"),
    pytest.param(Fault(status=302, headers={"Location": "/x"}), ModelAnswerInvalid, "302", id="a redirect"),
    pytest.param(Fault(delay_s=60), ModelUnavailable, "no answer", id="silence"),
    pytest.param(Fault(disconnect=True), ModelUnavailable, "closed", id="hangs up"),
]


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    """An address where nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


@pytest.mark.parametrize(("fault", "error", "said"), ENDPOINTS)
async def test_a_call_to_a_bad_endpoint_says_what_is_wrong(
    open_client: OpenClient, fault: Fault, error: type[ModelError], said: str
) -> None:
    async with (
        offline_server(faults=[fault]) as server,
        open_client(server.base_url, attempts=1, read_timeout_s=0.1) as client,
    ):
        with pytest.raises(error, match=said) as caught:
            await client.chat.complete(asking())
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error", "said"), [case for case in ENDPOINTS if case.id not in ("silence", "hangs up")]
)
async def test_a_probe_of_a_bad_endpoint_says_the_same(
    open_client: OpenClient, fault: Fault, error: type[ModelError], said: str
) -> None:
    async with offline_server(faults=[fault]) as server, open_client(server.base_url) as client:
        with pytest.raises(error, match=said) as caught:
            await client.chat.probe()
    assert caught.value.hint


async def test_a_redirect_is_not_followed_and_the_error_says_what_to_set(open_client: OpenClient) -> None:
    moved = Fault(status=308, headers={"Location": "/v2/chat/completions"})
    async with (
        offline_server(faults=[moved, moved], record=9) as server,
        open_client(server.base_url) as client,
    ):
        with pytest.raises(ModelAnswerInvalid) as whole:
            await client.chat.complete(asking())
        with pytest.raises(ModelAnswerInvalid) as streamed:
            async with client.chat.stream(asking()):
                pytest.fail("there is nothing to read")
    assert [request.path for request in server.recorded] == ["/v1/chat/completions"] * 2
    assert "llm.base_url" in whole.value.hint
    assert whole.value.hint == streamed.value.hint


async def test_nothing_listening_is_unavailable(open_client: OpenClient) -> None:
    async with nobody() as base_url, open_client(base_url) as client:
        with pytest.raises(ModelUnavailable, match="connection refused") as caught:
            await client.chat.probe()
        assert "llm.base_url" in caught.value.hint
        with pytest.raises(ModelUnavailable) as failed:
            await client.chat.complete(asking())
        assert failed.value.attempts == 3


async def test_a_good_endpoint_is_told_with_its_models(open_client: OpenClient) -> None:
    async with (
        offline_server(api_key="sk-good") as server,
        open_client(server.base_url, api_key="sk-good") as client,
    ):
        assert await client.chat.probe() == "127.0.0.1 answers with 2 models; offline-1 is one of them"


async def test_a_key_is_never_shown(open_client: OpenClient) -> None:
    echo = Fault(status=401, body=b'{"error":{"message":"sk-secret-1 is not a key"}}')
    async with (
        offline_server(faults=[echo, echo]) as server,
        open_client(server.base_url, api_key="sk-secret-1") as client,
    ):
        with pytest.raises(ModelUnauthorized, match=r"\*\*\* is not a key") as caught:
            await client.chat.complete(asking())
        with pytest.raises(ModelUnauthorized):
            await client.chat.probe()
    assert "sk-secret" not in repr(caught.value)
