"""A process that delivers one alert: ``delivering_process.py URL FILE KILLED_AT [blind]``.

The file is the channel; a blind one shows nothing of what is in it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from wompcore.config import DatabaseSettings
from wompcore.db import Database, Listener
from wompcore.jobs import Jobs, Outbox
from wompcore.repos.deliveries import DeliveryRepository

STATE = "SELECT state FROM deliveries"
# What a worker held that is dead goes on when it has shown no sign of life for a minute; here at once.
LONG_DEAD = "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour'"


class Channel:
    """A file of nonces."""

    def __init__(self, file: Path, killed_at: str, *, blind: bool) -> None:
        self._file = file
        self._killed_at = killed_at
        self._blind = blind

    async def direct_channel(self, person_id: int) -> int:
        return person_id

    async def send(self, channel_id: int, text: str, nonce: str) -> int:
        self._die_at("sending")
        with self._file.open("a") as lines:
            lines.write(f"{nonce}\n")
        self._die_at("sent")
        return 1

    async def find(self, channel_id: int, nonce: str) -> int | None:
        self._die_at("searching")
        lines = [] if self._blind or not self._file.exists() else self._file.read_text().split()
        return 1 if nonce in lines else None

    def _die_at(self, step: str) -> None:
        if step == self._killed_at:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, file: str, killed_at: str, blind: str = "") -> None:
    async with (
        Database.open(DatabaseSettings(url=url)) as db,
        Listener.open(db) as listener,
        Jobs.open(db, listener) as jobs,
    ):
        await db.execute(LONG_DEAD)
        outbox = Outbox(jobs, DeliveryRepository(db))
        await outbox.post("crossing:1:9", None, "50 % spent", 9, topic="crossing:1")
        outbox.serve(Channel(Path(file), killed_at, blind=bool(blind)))
        jobs.start(poll_s=0.05)
        async with asyncio.timeout(30):
            while await db.fetch_value(STATE) != "sent":  # noqa: ASYNC110 # a worker writes it
                await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
