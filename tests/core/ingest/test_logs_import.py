"""Reading chat logs into the real message store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wompcore.config import IngestSettings
from wompcore.db import Database
from wompcore.errors import DatabaseUnavailable, LogLineInvalid
from wompcore.ids import snowflake_time
from wompcore.ingest import MessageStore
from wompcore.ingest.logs import open_log
from wompcore.ingest.logs_ids import ids_for_import
from wompcore.ingest.logs_import import LogImport, import_log
from wompcore.repos.log_sources import LogSourceRepository
from wompcore.repos.messages import MessageRepository
from wompcore.testing.database import ThrowawayServer

START = datetime(2005, 2, 8, tzinfo=UTC)


class Everyone:
    """Nobody withdrew."""

    def refuses(self, person_id: int) -> bool:
        return False


@asynccontextmanager
async def open_store(db: Database) -> AsyncIterator[MessageStore]:
    async with MessageStore.open(MessageRepository(db), Everyone(), IngestSettings()) as store:
        yield store


def row(n: int, **changes: object) -> bytes:
    at = (START + timedelta(seconds=n)).isoformat()
    return json.dumps(
        {"id": n, "channel": "c", "author": "ann", "at": at, "text": f"say {n}", **changes}
    ).encode()


async def read_in(db: Database, path: Path) -> tuple[LogImport, list[LogLineInvalid], MessageStore]:
    log = open_log(path)
    bad: list[LogLineInvalid] = []
    async with open_store(db) as store:
        ids = await ids_for_import(log, log.survey(), LogSourceRepository(db))
        result = await import_log(log, ids, store, on_bad_line=bad.append)
    return result, bad, store


async def test_a_log_is_stored_once_however_often_it_is_read(db: Database, tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(row(n, author=f"p{n % 7}") for n in range(1000)))
    first, _, store = await read_in(db, path)
    assert (first, store.counts.stored) == (LogImport(1000, 0, 7), 1000)
    _, _, again = await read_in(db, path)
    assert (again.counts.stored, again.counts.already_stored) == (0, 1000)
    assert await db.fetch_value("SELECT count(*) FROM messages") == 1000


async def test_an_interrupted_import_is_completed_by_the_next(db: Database, tmp_path: Path):
    path = tmp_path / "log.jsonl"
    lines = [row(n) for n in range(100)]
    path.write_bytes(b"\n".join(lines[:40]))
    await read_in(db, path)
    path.write_bytes(b"\n".join(lines))
    _, _, store = await read_in(db, path)
    assert (store.counts.stored, store.counts.already_stored) == (60, 40)


async def test_hostile_rows_cost_only_themselves(db: Database, tmp_path: Path):
    path = tmp_path / "log.jsonl"
    hostile = [
        row(1, text="a\0b"),
        row(2, text="\ud800 alone", author="\udfff"),
        row(3, text="e" + "\u0301" * 4000),
        row(4, id=2**63),
        row(5, id=-(2**80)),
        row(6, at="1800-01-01T00:00:00Z"),
        row(7, author="\0"),
    ]
    path.write_bytes(b"\n".join([row(0), *hostile, b"{}", row(8)]))
    result, bad, store = await read_in(db, path)
    assert (result.messages, result.bad_lines) == (8, 2)
    assert [line.line for line in bad] == [7, 9]
    assert (store.counts.stored, store.counts.parked) == (8, 0)


@pytest.mark.endurance(only=True)
async def test_a_database_that_stays_away_ends_the_import_and_the_next_completes_it(
    own_postgres: ThrowawayServer, tmp_path: Path
):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(row(n) for n in range(1000)))
    log = open_log(path)
    with own_postgres.database() as settings:
        async with Database.open(settings) as db, open_store(db) as store:
            ids = await ids_for_import(log, log.survey(), LogSourceRepository(db))
            with own_postgres.stopped(), pytest.raises(DatabaseUnavailable, match="went away") as caught:
                await import_log(log, ids, store, on_bad_line=list, patience_s=0.5)
            assert "again" in caught.value.hint
        async with Database.open(settings) as db:
            await read_in(db, path)
            assert await db.fetch_value("SELECT count(*) FROM messages") == 1000


async def test_true_times_and_replies_are_kept(db: Database, tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(row(1) + b"\n" + row(2, reply_to=1))
    await read_in(db, path)
    first, second = await db.fetch_all("SELECT id, reply_to_id FROM messages ORDER BY id")
    assert second[1] == first[0] < 0
    assert snowflake_time(first[0]) == START + timedelta(seconds=1)
