"""What a process tells over HTTP about itself."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from typing import Any

import pytest

from wompcore.config import HttpSettings
from wompcore.errors import DatabaseUnavailable, PortTaken
from wompcore.http import HttpAnswer, HttpSessions
from wompcore.observe import health
from wompcore.observe.health import health_server
from wompcore.observe.prometheus import PrometheusMeter


async def get(url: str) -> HttpAnswer:
    origin = url.rpartition("/")[0]
    async with HttpSessions.open(HttpSettings(), trusted_origins=[origin]) as http:
        return await http.trusted.get(url, read_timeout_s=5)


async def well() -> str:
    return ""


async def lost() -> str:
    raise DatabaseUnavailable("the database cannot be reached", hint="a secret hint")


async def broken() -> str:
    raise KeyError("what was in it")


async def test_numbers_are_read_as_prometheus_reads_them() -> None:
    meter = PrometheusMeter()
    meter.count("calls", {"model": "a"})
    async with health_server("127.0.0.1", 0, meter=meter, looks={}) as origin:
        answer = await get(f"{origin}/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert b'womp_calls_total{model="a"} 1.0\n' in answer.body


@pytest.mark.parametrize(
    ("looks", "status", "said"),
    [
        ({"a": well}, 200, {"ok": True, "a": "ok"}),
        ({"a": well, "b": lost}, 503, {"ok": False, "a": "ok", "b": "the database cannot be reached"}),
        ({"b": broken}, 503, {"ok": False, "b": "unexpected KeyError"}),
    ],
    ids=["well", "lost", "broken"],
)
async def test_health_says_what_is_wrong_and_nothing_else(looks: Any, status: int, said: object) -> None:
    notes = {"breakers": {"m at x": "open"}}
    async with health_server(
        "127.0.0.1", 0, meter=PrometheusMeter(), looks=looks, notes=lambda: notes
    ) as origin:
        answer = await get(f"{origin}/healthz")
    assert (answer.status, json.loads(answer.body)) == (status, said | notes)


async def test_a_look_that_hangs_holds_nobody_up() -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        return ""

    began = asyncio.get_running_loop().time()
    assert await health._said(hang, 0.05) == "no answer within 0.05 s"
    assert asyncio.get_running_loop().time() - began < 2


async def test_nothing_else_is_served() -> None:
    async with health_server("127.0.0.1", 0, meter=PrometheusMeter(), looks={}) as origin:
        assert (await get(f"{origin}/")).status == 404


async def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTaken, match="cannot listen"):
            async with health_server("127.0.0.1", taken.getsockname()[1], meter=PrometheusMeter(), looks={}):
                pytest.fail("somebody else listens there")


def test_the_extra_that_is_missing_is_named() -> None:
    program = """
import sys
sys.modules["prometheus_client"] = None
from wompbot_cogs.health import meter_for
from wompbot_cogs.settings import MetricsSettings
from wompcore.errors import ExtraMissing
assert meter_for(MetricsSettings()) is None
try:
    meter_for(MetricsSettings(port=9108))
except ExtraMissing as error:
    print(error.message, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "the Prometheus adapter needs the extra 'metrics' pip install 'wompcore[metrics]'\n"
