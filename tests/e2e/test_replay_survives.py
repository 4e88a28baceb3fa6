"""A replay that is killed or loses its database stores exactly the log, and every cost once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from wompcore.db.embedded import EmbeddedServer

pytestmark = pytest.mark.endurance

ENDURANCE = os.environ.get("WOMPBOT_ENDURANCE") == "1"
MESSAGES = 30_000 if ENDURANCE else 6_000
KILLS = 5 if ENDURANCE else 1


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder for the server that another run of pytest, starting now, does not lock it out of."""
    with tempfile.TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "data"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A chat log with people who talk, claim things and ask the bot."""
    rng = random.Random(11)
    words = ("the", "a", "kernel", "driver", "panel", "works", "fails", "again", "update", "screen", "disk")
    at = datetime(2026, 10, 1, tzinfo=UTC)
    file = tmp_path / "talk.jsonl"
    with file.open("w") as out:
        for number in range(1, MESSAGES + 1):
            at += timedelta(seconds=rng.randint(1, 20))
            text = " ".join(rng.choices(words, k=rng.randint(2, 12)))
            if number % 100 == 0:
                text = f"wompbot: what did nick{rng.randint(0, 40)} say about the {rng.choice(words)}?"
            elif number % 97 == 0:
                text = f"I guarantee that version {number} will ship by {2027 + number % 9}"
            row = {
                "id": number,
                "channel": f"room{number % 3}",
                "author": f"nick{rng.randint(0, 40)}",
                "at": at.isoformat(),
                "text": text,
            }
            out.write(json.dumps(row) + "\n")
    return file


def replay(log: Path, data: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "wompbot_cogs.cli", "demo", "--replay", str(log)]
    command += ["--data", str(data), "--json", str(out)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> str:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    return errors.decode()


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    server = EmbeddedServer(data)
    server.start()
    try:
        with psycopg.connect(server.url()) as connection:
            return connection.execute(query).fetchall()
    finally:
        server.stop()


def the_log_is_stored_once(log: Path, data: Path) -> None:
    written = sorted(json.loads(line)["text"] for line in log.read_text().splitlines())
    stored = rows(data, "SELECT text FROM messages WHERE NOT is_bot")
    assert sorted(str(row[0]) for row in stored) == written


def every_cost_is_there_once(data: Path) -> None:
    twice = rows(
        data,
        "SELECT message_id, purpose, count(*) FROM cost_entries"
        " WHERE outcome = 'ok' AND message_id IS NOT NULL"  # a call about several messages names none
        " GROUP BY 1, 2 HAVING count(*) > 1",
    )
    assert twice == []
    [(calls, total)] = rows(data, "SELECT count(*), sum(cost_usd) FROM cost_entries")
    totals = rows(data, "SELECT sum(calls), sum(cost_usd) FROM cost_totals WHERE scope = 'all'")
    assert totals == [(calls, total)]
    assert int(str(calls)) > 0


@pytest.mark.endurance(only=True)
def test_a_replay_that_is_killed_ends_in_exactly_the_log(log: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    for kill in range(KILLS):
        process = replay(log, data, out)
        _wait_for_messages(data, process, at_least=MESSAGES * (kill + 1) // (KILLS + 2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finish(replay(log, data, out))
    summary = json.loads(out.read_text())
    assert summary["errors"] == 0
    assert summary["already_stored"] > 0
    assert summary["messages_in"] == summary["messages_stored"] + summary["already_stored"] == MESSAGES
    the_log_is_stored_once(log, data)
    every_cost_is_there_once(data)

    finish(replay(log, data, out))
    again = json.loads(out.read_text())
    assert (again["messages_stored"], again["already_stored"]) == (0, MESSAGES)
    assert again["llm_calls"] == 0


@pytest.mark.endurance(only=True)
def test_a_database_that_is_away_for_a_while_costs_nothing(log: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    holder = EmbeddedServer(data)  # keeps the server's folder in use while it is stopped under the bot
    holder.start()
    try:
        process = replay(log, data, out)
        _wait_for_messages(data, process, at_least=MESSAGES // 6)
        pid = int((data / "pgdata" / "postmaster.pid").read_text().split()[0])
        asyncio.run(_stop_for(pid, 5.0, holder))
        said = finish(process)
    finally:
        holder.stop()
    assert "Traceback" not in said
    assert json.loads(out.read_text())["errors"] == 0
    the_log_is_stored_once(log, data)
    every_cost_is_there_once(data)


async def _stop_for(pid: int, seconds: float, holder: EmbeddedServer) -> None:
    os.kill(pid, signal.SIGINT)  # fast shutdown: every connection is ended
    await asyncio.sleep(seconds)
    holder.start()


def _wait_for_messages(data: Path, process: subprocess.Popen[bytes], at_least: int) -> None:
    deadline = time.monotonic() + 120
    server = EmbeddedServer(data)
    while process.poll() is None and time.monotonic() < deadline:
        if (data / "pgdata" / "postmaster.pid").exists():
            try:
                with psycopg.connect(server.url(), connect_timeout=2) as connection:
                    row = connection.execute("SELECT count(*) FROM messages").fetchone()
                    if row is not None and row[0] >= at_least:
                        return
            except psycopg.Error:
                pass  # not up yet, or no tables yet
        time.sleep(0.02)
    raise AssertionError(f"the replay ended too soon or never stored {at_least} messages")
