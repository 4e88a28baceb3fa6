"""Vectors of texts, words of recordings."""

from __future__ import annotations

import json
from array import array
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from operator import mul
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from loopback import serve
from wompcore.config import HttpSettings, LlmSettings
from wompcore.http import HttpSessions
from wompcore.llm import (
    Audio,
    Embeddings,
    MediaProvider,
    ModelAnswerInvalid,
    ModelError,
    ModelRateLimited,
    ModelRequestRefused,
    OpenAiStyle,
    Transcript,
)
from wompcore.llm.offline import Fault, offline_server
from wompcore.llm.providers.media_format import (
    decode_embeddings,
    decode_transcript,
    encode_audio,
    encode_texts,
    form_type,
)
from wompcore.money import usd
from wompcore.usage import Usage

TWO = encode_texts(["a", "b"], "m", None)


@asynccontextmanager
async def provider_at(base_url: str) -> AsyncIterator[MediaProvider]:
    async with HttpSessions.open(HttpSettings(), trusted_origins=[base_url]) as http:
        yield OpenAiStyle(http.trusted, LlmSettings(base_url=base_url))


def sumprod(one: Iterable[float], other: Iterable[float]) -> float:
    return sum(map(mul, one, other))


def entry(index: int, embedding: object) -> dict[str, Any]:
    return {"index": index, "embedding": embedding}


def decoded(*entries: object, **more: Any) -> Embeddings:
    return decode_embeddings(json.dumps({"data": entries, **more}).encode(), sent=TWO, provider="p")


def packed(*numbers: float) -> str:
    return b64encode(array("f", numbers).tobytes()).decode()


async def test_texts_become_vectors_that_are_close_when_the_texts_are() -> None:
    async with offline_server() as server, provider_at(server.base_url) as provider:
        body = provider.encode_texts(["the driver broke", "drivers break", "lunch"], "m", dimensions=32)
        found = await provider.embed(body)
    one, two, three = found.vectors
    assert [len(vector) for vector in found.vectors] == [32] * 3
    assert sumprod(one, two) > 0.3 > abs(sumprod(one, three))
    assert (found.model, found.usage.estimated, found.usage.output) == ("offline-embedding-1", False, 0)
    assert found.usage.input > 0


async def test_a_recording_is_sent_as_a_form_and_comes_back_as_words() -> None:
    audio = Audio(b"OggS\r\n--x\r\n\x00\xff" * 200_000, 'a "voice"\r\n.ogg')
    async with offline_server() as server, provider_at(server.base_url) as provider:
        body = provider.encode_audio(audio, "whisper-1", language="de")
        found = await provider.transcribe(body)
    assert f"cannot listen to a__voice___.ogg, {len(audio.data)} bytes" in found.text
    assert found.audio_s is None


async def test_the_fields_of_the_form_arrive() -> None:
    arrived: dict[str, object] = {}

    async def handle(request: web.Request) -> web.Response:
        form = await request.post()
        arrived.update({name: value for name, value in form.items() if isinstance(value, str)})
        return web.json_response({"text": " hi ", "usage": {"type": "duration", "seconds": 3}})

    async with serve(handle) as origin, provider_at(origin) as provider:
        found = await provider.transcribe(provider.encode_audio(Audio(b"x"), "whisper-1", language="de"))
    assert arrived == {"model": "whisper-1", "response_format": "json", "language": "de"}
    assert found == Transcript("hi", Usage(output=1, estimated=True, audio_s=3.0), "", 3.0)


@given(st.binary(max_size=200))
def test_the_same_recording_makes_the_same_form(data: bytes) -> None:
    form = encode_audio(Audio(data), "m", "")
    assert form == encode_audio(Audio(data), "m", "")
    boundary = form_type(form).partition("boundary=")[2].encode()
    assert form.count(b"--" + boundary) == 4
    assert data in form


async def test_a_failure_is_the_same_error_as_of_a_chat() -> None:
    faults = [Fault(status=429), Fault(status=404)]
    async with offline_server(faults=faults) as server, provider_at(server.base_url) as provider:
        with pytest.raises(ModelRateLimited):
            await provider.embed(TWO)
        with pytest.raises(ModelRequestRefused):
            await provider.transcribe(encode_audio(Audio(b"x"), "m", ""))


def test_vectors_come_in_order_in_base64_or_in_numbers() -> None:
    found = decoded(
        entry(1, [0.25, 1]), entry(0, packed(0.5, -2)), model="m", usage={"prompt_tokens": 4, "cost": 0.25}
    )
    assert [vector.tolist() for vector in found.vectors] == [[0.5, -2.0], [0.25, 1.0]]
    assert (found.usage, found.model) == (Usage(input=4, cost=usd("0.25")), "m")


def test_missing_usage_is_estimated_and_marked() -> None:
    assert decoded(entry(0, [1]), entry(1, [1])).usage == Usage(input=len(TWO) // 4 + 1, estimated=True)


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(0, [1])],
        [entry(0, [1]), entry(1, [1]), entry(2, [1])],
        [entry(0, [1]), entry(1, [1, 2])],
        [entry(0, []), entry(1, [])],
        [entry(0, [1]), entry(1, ["x"])],
        [entry(0, [1]), entry(1, [float("nan")])],
        [entry(0, [1]), entry(1, "????")],
        [entry(0, [1]), entry(1, None)],
        [None, 3],
    ],
)
def test_what_is_not_one_vector_per_text_is_invalid(entries: list[object]) -> None:
    with pytest.raises(ModelAnswerInvalid):
        decoded(*entries)


def heard(body: object) -> Transcript:
    return decode_transcript(json.dumps(body).encode(), provider="p")


def test_a_transcript_may_count_tokens_or_tell_its_length() -> None:
    used = {"input_tokens": 30, "output_tokens": 4, "input_token_details": {"audio_tokens": 28}}
    assert heard({"text": "hi", "usage": used}).usage == Usage(30, 4, audio=28)
    assert heard({"text": "hi", "duration": 2.5}).audio_s == 2.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "embedding", "index", "text", "usage", "seconds", "input_tokens"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_answer_ends_in_anything_but_a_result_or_a_typed_error(body: object) -> None:
    answer = json.dumps(body).encode()
    with suppress(ModelError):
        decode_embeddings(answer, sent=TWO, provider="p")
    with suppress(ModelError):
        decode_transcript(answer, provider="p")
