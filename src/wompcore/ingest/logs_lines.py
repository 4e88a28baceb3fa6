"""The product's own chat-log format: one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from wompcore.errors import LogLineInvalid
from wompcore.ingest.logs_records import LogRecord, name_in, number_in, reading, text_in, time_in

MAX_LINE = 1 << 20
"""Bytes of a line at most; a Discord message is 4,000 characters, 24,000 bytes as escaped JSON."""

_BOM = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[LogRecord | LogLineInvalid]:
    """Read a log of one JSON object per line; blank lines are left out.

    Yields:
        A record, or what is wrong with the line.

    Raises:
        LogUnreadable: The file cannot be opened or read on.
    """
    with reading(path) as file:
        for number, line in enumerate(_bounded_lines(file), 1):
            if line is None:
                yield LogLineInvalid(number, f"longer than {MAX_LINE:,} bytes")
                continue
            if number == 1:
                line = line.removeprefix(_BOM)
            if line and not line.isspace():
                yield read_line(number, line)


def read_line(number: int, line: bytes) -> LogRecord | LogLineInvalid:
    """Return the record on a line, or what is wrong with it."""
    try:
        data = json.loads(line.decode())
    except UnicodeDecodeError:
        return LogLineInvalid(number, "not UTF-8")
    except (ValueError, RecursionError):
        return LogLineInvalid(number, "not JSON")
    if not isinstance(data, dict):
        return LogLineInvalid(number, "not a JSON object")
    try:
        return LogRecord(
            line=number,
            id=number_in(data, "id"),
            channel=name_in(data, "channel"),
            author=name_in(data, "author"),
            at=time_in(data, "at"),
            text=text_in(data, "text"),
            reply_to=None if data.get("reply_to") is None else number_in(data, "reply_to"),
        )
    except ValueError as problem:
        return LogLineInvalid(number, str(problem))


def _bounded_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield every line, ``None`` for one that is too long; memory holds one line at most."""
    while line := file.readline(MAX_LINE + 1):
        if len(line) <= MAX_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE)
        yield None
