"""A worker that is killed while it sends loses no alert, and doubles none that can be found."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from wompcore.db import Database

SCRIPT = Path(__file__).with_name("delivering_process.py")


async def delivering(db: Database, file: Path, killed_at: str, blind: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), db.url, str(file), killed_at, blind
    )
    assert await process.wait() == (-signal.SIGKILL if killed_at else 0)


@pytest.mark.parametrize(
    ("steps", "blind", "messages"),
    [
        (("sending", "searching", "sending"), "", 1),
        (("sent", "searching"), "", 1),
        (("sent",), "blind", 2),  # as the outbox says: where the channel does not show the first one
    ],
)
async def test_a_worker_killed_at_any_step_of_a_send_neither_loses_nor_doubles_it(
    db: Database, tmp_path: Path, steps: tuple[str, ...], blind: str, messages: int
) -> None:
    file = tmp_path / "channel"
    for step in (*steps, ""):
        await delivering(db, file, step, blind)
    assert len(file.read_text().splitlines()) == messages
    assert await db.fetch_all("SELECT state FROM deliveries") == [("sent",)]
