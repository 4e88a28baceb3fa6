"""Chat logs: files of messages that can be read in or replayed.

Two formats are told apart by their first bytes: one JSON object per line (``id``, ``channel``,
``author``, ``at``, ``text`` and optionally ``reply_to``), and the JSON of DiscordChatExporter.
A malformed line is reported with its number and never ends the reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wompcore.errors import LogLineInvalid, LogUnreadable
from wompcore.ingest.logs_export import ExportHead, read_export, read_head
from wompcore.ingest.logs_lines import read_lines
from wompcore.ingest.logs_records import LogRecord, reading

__all__ = ["LogFile", "LogRecord", "LogSurvey", "open_log"]

_EXPORT = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"(?:guild|channel|messages)"\s*:\s*[{\[]')
_HEAD_BYTES = 4096
_NAMED_LINES = 5


@dataclass(frozen=True, slots=True)
class LogSurvey:
    """What a first reading of a log finds.

    Args:
        first: The first well-formed record.
        last_at: The latest time in the log.
        records: Well-formed records.
        bad_lines: Malformed lines.
        in_order: No record is earlier than the one before it.
    """

    first: LogRecord
    last_at: datetime
    records: int
    bad_lines: int
    in_order: bool


class LogFile:
    """A chat log. Made by :func:`open_log`; iterating reads it from the start, as a stream.

    Args:
        path: The file.
        export: What stands before the messages of a DiscordChatExporter file; ``None`` for the
            format of one JSON object per line.
    """

    def __init__(self, path: Path, export: ExportHead | None) -> None:
        self.path = path
        self._export = export

    @property
    def has_real_ids(self) -> bool:
        """Whether ids of messages, people, channel and guild are Discord's."""
        return self._export is not None

    @property
    def channel_id(self) -> int | None:
        """The channel's real id, where the log knows it."""
        return self._export.channel_id if self._export else None

    @property
    def guild_id(self) -> int | None:
        """The guild's real id, where the log knows it."""
        return self._export.guild_id if self._export else None

    def __iter__(self) -> Iterator[LogRecord | LogLineInvalid]:
        if self._export is None:
            return read_lines(self.path)
        return read_export(self.path, self._export.channel)

    def survey(self) -> LogSurvey:
        """Read the whole log once, keeping nothing of it.

        Raises:
            LogUnreadable: The file cannot be opened or read on, or holds no well-formed record; then
                the first malformed lines are named.
        """
        first: LogRecord | None = None
        previous_at = last_at = None
        named: list[LogLineInvalid] = []
        records = bad_lines = 0
        in_order = True
        for entry in self:
            if isinstance(entry, LogLineInvalid):
                bad_lines += 1
                if bad_lines <= _NAMED_LINES:
                    named.append(entry)
                continue
            records += 1
            first = first or entry
            in_order = in_order and (previous_at is None or previous_at <= entry.at)
            previous_at = entry.at
            last_at = entry.at if last_at is None else max(last_at, entry.at)
        if first is None or last_at is None:
            raise LogUnreadable(str(self.path), _nothing_in(named, bad_lines))
        return LogSurvey(first, last_at, records, bad_lines, in_order)


def open_log(path: Path) -> LogFile:
    """Find out a log's format.

    Raises:
        LogUnreadable: The file is missing, not a file, or not permitted.
        ExtraMissing: The format needs a package that is not installed.
    """
    with reading(path) as file:
        head = file.read(_HEAD_BYTES)
    return LogFile(path, read_head(path) if _EXPORT.match(head) else None)


def _nothing_in(named: Sequence[LogLineInvalid], bad_lines: int) -> str:
    more = [f"{bad_lines - len(named):,} more"] if bad_lines > len(named) else []
    problems = "; ".join([*(line.message for line in named), *more])
    return "holds no message that can be read" + (f": {problems}" if problems else "")
