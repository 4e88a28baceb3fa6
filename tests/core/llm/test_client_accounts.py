"""What a client tells about itself, records, and keeps to itself."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from llm_client import FOR, OpenClient, asking
from ogg import voice_message
from wompcore.clock import SystemClock
from wompcore.config import CostSettings
from wompcore.costs import Ledger, PriceBook
from wompcore.db import Database
from wompcore.ids import EntryIds
from wompcore.llm import (
    Audio,
    ChatRequest,
    ImagePart,
    Message,
    ModelError,
    ModelRequestRefused,
    ModelUnavailable,
    OpenAiStyle,
    TextPart,
    read_states,
)
from wompcore.llm.offline import Fault, offline_server
from wompcore.money import Usd
from wompcore.observe.prometheus import PrometheusMeter
from wompcore.repos.costs import CostRepository

KEY = "sk-only-the-endpoint-may-know"


async def test_calls_tokens_seconds_retries_and_breakers_are_told(open_client: OpenClient) -> None:
    meter = PrometheusMeter()
    async with (
        offline_server(faults=[Fault(status=503)]) as server,
        open_client(server.base_url, parts={"meter": meter}) as client,
    ):
        meter.watch("llm_breaker_state", lambda: read_states(client.chat.breakers()), max)
        reply = await client.chat.complete(asking())
        which = {"provider": "127.0.0.1", "model": "offline-1"}

        def told(name: str, **labels: str) -> float | None:
            return meter.registry.get_sample_value(f"womp_llm_{name}", which | labels)

        assert told("calls_total", outcome="ok") == 1
        assert told("retries_total") == 1
        assert told("tokens_total", kind="output") == reply.usage.output
        assert told("seconds_count", stage="attempt") == 2
        assert told("seconds_count", stage="whole") == 1
        of = {"address": server.base_url, "model": "offline-1"}
        assert meter.registry.get_sample_value("womp_llm_breaker_state", of) == 0


@pytest.mark.parametrize("deadline_s", [0.1, 0.4])
async def test_the_deadline_holds_to_a_tenth_of_a_second(open_client: OpenClient, deadline_s: float) -> None:
    faults = [Fault(status=503, delay_s=0.05), Fault(delay_s=60)]
    async with offline_server(faults=faults) as server, open_client(server.base_url) as client:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable):
            await client.chat.complete(asking(deadline_s=deadline_s))
        assert time.monotonic() - began < deadline_s + 0.1


async def test_a_call_that_ran_out_of_time_tells_its_attempts(open_client: OpenClient) -> None:
    meter = PrometheusMeter()
    faults = [Fault(status=503), Fault(delay_s=60)]
    async with (
        offline_server(faults=faults) as server,
        open_client(server.base_url, parts={"meter": meter}) as client,
    ):
        with pytest.raises(ModelUnavailable) as caught:
            await client.chat.complete(asking(deadline_s=0.6))
    which = {"provider": "127.0.0.1", "model": "offline-1"}
    assert caught.value.attempts == 2
    assert meter.registry.get_sample_value("womp_llm_retries_total", which) == 1


async def test_what_a_call_that_was_cut_off_may_have_used_is_recorded(
    open_client: OpenClient, db: Database
) -> None:
    async with offline_server(faults=[Fault(delay_s=60)]) as server, open_client(server.base_url) as client:
        with pytest.raises(ModelUnavailable):
            await client.chat.complete(asking(deadline_s=0.1))
    entries = await db.fetch_all("SELECT outcome, estimated, input_tokens > 0 FROM cost_entries")
    assert entries == [("failed", True, True)]


async def test_a_call_that_used_nothing_is_not_recorded(open_client: OpenClient, db: Database) -> None:
    async with offline_server(faults=[Fault(status=400)]) as server, open_client(server.base_url) as client:
        with pytest.raises(ModelRequestRefused):
            await client.chat.complete(asking())
    assert await db.fetch_all("SELECT outcome FROM cost_entries") == []


async def test_vectors_are_paid_for_like_any_answer(open_client: OpenClient, db: Database) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        media = OpenAiStyle(client.http.trusted, client.settings)
        async with open_client(server.base_url, embedding_model="e-1", parts={"media": media}) as other:
            found = await other.chat.embed(["a cat", "a dog"], FOR)
            with pytest.raises(ModelRequestRefused) as caught:
                await other.chat.transcribe(Audio(b"x"), FOR)
    assert len(found.vectors) == 2
    assert "llm.transcription_model" in caught.value.hint
    assert await db.fetch_all("SELECT model, outcome, input_tokens FROM cost_entries") == [
        ("e-1", "ok", found.usage.input)
    ]


async def test_a_transcript_is_paid_for_like_any_answer(open_client: OpenClient, db: Database) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        media = OpenAiStyle(client.http.trusted, client.settings)
        async with open_client(server.base_url, transcription_model="t-1", parts={"media": media}) as other:
            heard = await other.chat.transcribe(Audio(b"OggS" + bytes(100)), FOR)
    assert await db.fetch_all("SELECT model, outcome, output_tokens FROM cost_entries") == [
        ("t-1", "ok", heard.usage.output)
    ]


@pytest.mark.parametrize(
    ("usage", "size", "cost", "above"),
    [
        ({"type": "duration", "seconds": 90}, 1, "0.009", False),
        ({}, 4000, "0.0001", False),
        ({}, 4_000_000, "0.06", False),
        ({"type": "duration", "seconds": 660}, 1, "0.066", True),
    ],
    ids=["as told", "not told", "not told and large", "longer than reserved for"],
)
async def test_a_transcript_is_charged_by_the_minute(
    open_client: OpenClient, db: Database, usage: dict[str, Any], size: int, cost: str, above: bool
) -> None:
    said = Fault(body=json.dumps({"text": "hi", "usage": usage}).encode())
    async with offline_server(faults=[said]) as server, open_client(server.base_url) as client:
        media = OpenAiStyle(client.http.trusted, client.settings)
        async with open_client(server.base_url, parts={"media": media}) as own:
            await own.chat.transcribe(Audio(bytes(size)), FOR, model="whisper-1")
    entries = await db.fetch_all("SELECT cost_usd, reserved_usd, audio_s, above_reserved FROM cost_entries")
    assert entries == [(Decimal(cost), Decimal("0.06"), float(Decimal(cost) * 10_000), above)]


@pytest.mark.parametrize(
    ("told_s", "charged_s", "cost", "reserved", "above"),
    [
        (5.0, None, "0.0005", "0.001", False),
        (900.25, 901, "0.0901", "0.0902", False),
        (60.0, 3600, "0.36", "0.0061", True),
    ],
    ids=["as it tells", "longer than reserved for otherwise", "longer than it tells"],
)
async def test_a_recording_is_reserved_for_by_the_length_it_tells(
    open_client: OpenClient,
    db: Database,
    told_s: float,
    charged_s: float | None,
    cost: str,
    reserved: str,
    above: bool,
) -> None:
    said = Fault(body=json.dumps({"text": "hi", "duration": charged_s}).encode())
    async with offline_server(faults=[said]) as server, open_client(server.base_url) as client:
        media = OpenAiStyle(client.http.trusted, client.settings)
        async with open_client(server.base_url, parts={"media": media}) as own:
            await own.chat.transcribe(Audio(voice_message(told_s)), FOR, model="whisper-1")
    entries = await db.fetch_all("SELECT cost_usd, reserved_usd, above_reserved FROM cost_entries")
    assert entries == [(Decimal(cost), Decimal(reserved), above)]


async def test_an_image_is_charged_by_the_piece_where_its_price_says_so(
    open_client: OpenClient, db: Database
) -> None:
    price = {"default_price": {"input": "0", "output": "0", "image": "0.25"}}
    prices = PriceBook.shipped(CostSettings.model_validate(price))
    pay = Ledger(CostRepository(db), prices, EntryIds(2), SystemClock())
    shown = Message("user", (TextPart("which is older?"), *[ImagePart(data=b"GIF89a")] * 2))
    async with offline_server() as server, open_client(server.base_url, pay=pay) as client:
        reply = await client.chat.complete(ChatRequest((shown,), FOR, model="dear"))
    assert reply.cost == Usd("0.50")
    entries = await db.fetch_all("SELECT cost_usd, reserved_usd, above_reserved FROM cost_entries")
    assert entries == [(Usd("0.50"), Usd("0.50"), False)]


def everything_said(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=401, body=f'{{"error": {{"message": "{KEY} is unknown"}}}}'.encode()),
        Fault(status=500, body=f"<html>{KEY}</html>".encode(), headers={"X-Key": KEY}),
        Fault(disconnect=True),
        Fault(delay_s=60),
    ],
    ids=["quoted", "in a page", "hangs up", "silent"],
)
async def test_the_key_is_in_no_log_no_error_and_no_repr(
    open_client: OpenClient, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        offline_server(faults=[fault] * 3) as server,
        open_client(server.base_url, api_key=KEY, read_timeout_s=0.2) as client,
    ):
        with pytest.raises(ModelError) as caught:
            await client.chat.complete(asking(deadline_s=1))
        shown = [repr(client.chat), repr(client.settings), repr(vars(client.chat)), caplog.text]
    assert not any(KEY in text for text in [*shown, *everything_said(caught.value)])
