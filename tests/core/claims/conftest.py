"""A process that watches for claims, and its model."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from claim_process import Process, ScriptedJudge, process
from loopback import serve
from wompcore.config import DatabaseSettings


@pytest.fixture
async def judge() -> ScriptedJudge:
    return ScriptedJudge()


@pytest.fixture
async def base_url(judge: ScriptedJudge) -> AsyncIterator[str]:
    async with serve(judge.answer) as origin:
        yield f"{origin}/v1"


@pytest.fixture
async def bot(database_settings: DatabaseSettings, base_url: str) -> AsyncIterator[Process]:
    async with process(database_settings, base_url) as opened:
        yield opened


@pytest.fixture
async def eager(database_settings: DatabaseSettings, base_url: str) -> AsyncIterator[Process]:
    """A process without a cooldown."""
    async with process(database_settings, base_url, person_cooldown_s=0) as opened:
        yield opened
