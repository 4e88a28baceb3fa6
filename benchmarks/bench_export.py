"""Row 15, first half: everything that is kept about a person, written to a file.

Ours is what ``/download_my_data`` does up to sending: :meth:`Privacy.export` into a temporary file, then the
file's parts. The baseline is what it replaces: every row in a list, and one JSON document made of that. Each
runs in a process of its own, as memory that was taken once says nothing the second time; counted is the
peak of its resident memory, less what it had after the export of a person without rows. Half of the rows
are messages of the library, half those of a plugin; their text hardly compresses. Linux only. Not covered:
sending the parts, each of at most 8 MB, to Discord.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Goal, Result, alternate
from wompcore.config import CoreSettings, DatabaseSettings
from wompcore.core import Core
from wompcore.db.embedded import EmbeddedServer
from wompcore.holders import Holder
from wompcore.ids import snowflake_at
from wompcore.privacy import Privacy
from wompcore.text import parts_of

ROW = 15
PROMISE = "The export of a person with 100,000 rows takes at most 20 MB more memory."

_ROWS = 100_000
_PERSON, _NOBODY = 7, 8
_MIB = 1024.0
_FILL = """
INSERT INTO messages (id, channel_id, author_id, author_name, text)
SELECT %(first)s + n, 1, %(person)s, 'me',
    (SELECT string_agg(md5(n::text || part), ' ') FROM generate_series(1, 6) AS part)
FROM generate_series(1, %(rows)s / 2) AS n
"""
_FILL_NOTES = """
INSERT INTO plugin_notes.notes (author_id, text)
SELECT %(person)s, (SELECT string_agg(md5(n::text || part), '-') FROM generate_series(1, 6) AS part)
FROM generate_series(1, %(rows)s / 2) AS n
"""
_NOTES = """
CREATE SCHEMA plugin_notes;
CREATE TABLE plugin_notes.notes (id bigserial PRIMARY KEY, author_id bigint, text text NOT NULL);
"""


def run(rounds: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "pg")
        server.start()
        try:
            url = server.create_database("export")
            asyncio.run(_fill(url))
            growths = alternate(lambda: _growth(url, "whole"), lambda: _growth(url, "streamed"), rounds)
            name, goal = f"peak memory, {_ROWS:,} rows", Goal("ours", "<=", 20)
            yield Result(name, "MiB", "all rows in one document", *growths, goal)
        finally:
            server.stop()


async def _fill(url: str) -> None:
    async with Core.open(_settings(url)) as core:
        await core.db.execute(_NOTES)
        holder = Holder("notes", "plugin_notes.notes", "author_id", "notes")
        await core.repos.holders.declare([holder])
        values = {"first": snowflake_at(datetime.now(UTC)), "person": _PERSON, "rows": _ROWS}
        for fill in (_FILL, _FILL_NOTES):
            await core.db.execute(fill, values)


def _settings(url: str) -> CoreSettings:
    return CoreSettings(database=DatabaseSettings(url=url))


def _growth(url: str, way: str) -> float:
    """Return the MiB by which a fresh process grew."""
    command = [sys.executable, "-m", "benchmarks.bench_export", url, way]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


async def _measure(url: str, way: str) -> None:
    export = {"streamed": _streamed, "whole": _whole}[way]
    async with Core.open(_settings(url)) as core:
        await export(core.privacy, _NOBODY)  # imports and connections are there
        _forget_peak()
        before = _peak_kib()
        size = await export(core.privacy, _PERSON)
        if size < 200 * _ROWS:
            raise AssertionError(f"only {size} bytes were exported")
        print((_peak_kib() - before) / _MIB)


async def _streamed(privacy: Privacy, person_id: int) -> int:
    with tempfile.SpooledTemporaryFile(1_000_000) as file:
        async with aclosing(privacy.export(person_id, by_id=person_id)) as lines:
            async for line in lines:
                file.write(line.encode())
        size = file.tell()
        for _, part in parts_of(file, "my-data.jsonl"):
            part.close()
    return size


async def _whole(privacy: Privacy, person_id: int) -> int:
    async with aclosing(privacy.export(person_id, by_id=person_id)) as lines:
        return len(json.dumps([json.loads(line) async for line in lines]))


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # as proc(5) says


def _peak_kib() -> int:
    """Return the most memory that the process had since its peak was forgotten."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    asyncio.run(_measure(*sys.argv[1:]))
