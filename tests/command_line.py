"""The console script, run as an operator runs it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
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


Settings = Mapping[str, Mapping[str, object]]
Wompbot = Callable[..., Awaitable[Outcome]]


def variables(settings: Settings) -> dict[str, str]:
    """Return settings as environment variables."""
    return {
        f"WOMPBOT_{section}__{key}".upper(): str(value)
        for section, values in settings.items()
        for key, value in values.items()
    }


async def start(
    *arguments: object,
    folder: Path | None = None,
    settings: Settings | None = None,
    program: Sequence[object] = (WOMPBOT,),
) -> asyncio.subprocess.Process:
    """Start ``wompbot`` with these settings in its environment and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WOMPBOT_")}
    home = {"HOME": str(folder)} if folder else {}
    return await asyncio.create_subprocess_exec(
        *map(str, [*program, *arguments]),
        cwd=folder,
        env=clean | home | {"NO_COLOR": "1"} | variables(settings or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
def wompbot(tmp_path: Path) -> Wompbot:
    """Runs ``wompbot`` in an empty folder to its end."""

    async def run(*arguments: object, typed: str = "", **settings: dict[str, object]) -> Outcome:
        process = await start(*arguments, folder=tmp_path, settings=settings)
        async with asyncio.timeout(60):
            out, err = await process.communicate(typed.encode())
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())

    return run
