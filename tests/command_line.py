"""The console script, run as an operator runs it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WOMPBOT = Path(sys.executable).with_name("wompbot")


@dataclass(frozen=True)
class Outcome:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Wompbot = Callable[..., Awaitable[Outcome]]


def variables(settings: dict[str, dict[str, object]]) -> dict[str, str]:
    """Return settings as environment variables."""
    return {
        f"WOMPBOT_{section}__{key}".upper(): str(value)
        for section, values in settings.items()
        for key, value in values.items()
    }


@pytest.fixture
def wompbot(tmp_path: Path) -> Wompbot:
    """Runs ``wompbot`` in an empty folder, with these settings in its environment."""

    async def run(*arguments: object, typed: str = "", **settings: dict[str, object]) -> Outcome:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WOMPBOT_")}
        process = await asyncio.create_subprocess_exec(
            WOMPBOT,
            *map(str, arguments),
            cwd=tmp_path,
            env=clean | {"HOME": str(tmp_path), "NO_COLOR": "1"} | variables(settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate(typed.encode())
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())

    return run
