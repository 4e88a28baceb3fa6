"""Channels saved by DiscordChatExporter as JSON: one object with a list of messages, read as a stream.

Source of the format: DiscordChatExporter, ``JsonMessageWriter``.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from wompcore.errors import ExtraMissing, LogLineInvalid
from wompcore.ids import MAX_ID
from wompcore.ingest.logs_records import LogRecord, name_in, number_in, reading, text_in, time_in

_SPOKEN = frozenset({"Default", "Reply", "0", "19", "20", "23"})
"""Types of messages that somebody wrote; the rest tells of joins, pins and calls."""


@dataclass(frozen=True, slots=True)
class ExportHead:
    """What stands before the messages.

    Args:
        channel: The channel's name.
        channel_id: The channel's real id; ``None`` if it is no id.
        guild_id: The guild's real id; ``None`` if it is no id.
    """

    channel: str
    channel_id: int | None
    guild_id: int | None


def read_head(path: Path) -> ExportHead:
    """Read what stands before the messages; what cannot be read there is left out.

    Raises:
        ExtraMissing: The streaming JSON parser is not installed.
        LogUnreadable: The file cannot be opened or read on.
    """
    ijson = _parser()
    known: dict[str, Any] = {}
    with reading(path) as file:
        try:
            for prefix, event, value in ijson.parse(_Utf8(file)):
                if prefix == "messages":
                    break
                if event in ("string", "number"):
                    known[prefix] = value
        except ijson.JSONError:
            pass  # reading the messages reports it, with its place
    return ExportHead(
        channel=str(known.get("channel.name") or "channel"),
        channel_id=_real_id(known.get("channel.id")),
        guild_id=_real_id(known.get("guild.id")),
    )


def read_export(path: Path, channel: str) -> Iterator[LogRecord | LogLineInvalid]:
    """Read the messages of an export; system messages are left out.

    Args:
        path: The file.
        channel: The channel's name.

    Yields:
        A record, or what is wrong with the message; ``line`` is its place in the list. A file that
        ends too early, or is broken from some place on, gives all messages before that place.

    Raises:
        ExtraMissing: The streaming JSON parser is not installed.
        LogUnreadable: The file cannot be opened or read on.
    """
    ijson = _parser()
    number = 0
    with reading(path) as file:
        try:
            for message in ijson.items(_Utf8(file), "messages.item", use_float=True):
                number += 1
                entry = read_message(number, message, channel)
                if entry is not None:
                    yield entry
        except (ijson.JSONError, ValueError, RecursionError) as error:
            problem = "the file ends early" if isinstance(error, ijson.IncompleteJSONError) else "not JSON"
            yield LogLineInvalid(number + 1, f"{problem}; nothing after it could be read")


def read_message(number: int, message: object, channel: str) -> LogRecord | LogLineInvalid | None:
    """Return the record of a message, what is wrong with it, or ``None`` for a system message."""
    if not isinstance(message, dict):
        return LogLineInvalid(number, "not a JSON object")
    if str(message.get("type", "Default")) not in _SPOKEN:
        return None
    try:
        author = _object_in(message, "author")
        reference = message.get("reference")
        return LogRecord(
            line=number,
            id=number_in(message, "id"),
            channel=channel,
            author=name_in(author, "nickname" if author.get("nickname") else "name"),
            at=time_in(message, "timestamp"),
            text=text_in(message, "content"),
            author_id=_author_id(author),
            reply_to=_real_id(reference.get("messageId")) if isinstance(reference, dict) else None,
            is_bot=author.get("isBot") is True,
        )
    except ValueError as problem:
        return LogLineInvalid(number, str(problem))


def _author_id(author: Mapping[str, Any]) -> int:
    author_id = _real_id(number_in(author, "id"))
    if author_id is None:
        raise ValueError("'id' of the author is no Discord id")
    return author_id


def _object_in(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    if not isinstance(value, dict):
        raise ValueError(f"'{key}' must be an object")
    return value


def _real_id(value: object) -> int | None:
    try:
        number = number_in({"id": value}, "id")
    except ValueError:
        return None
    return number if 0 < number <= MAX_ID else None


def _parser() -> Any:
    try:
        import ijson  # type: ignore[import-untyped] # the package ships no types
    except ImportError as error:
        raise ExtraMissing("bot", "reading DiscordChatExporter files") from error
    return ijson


class _Utf8:
    """A file whose bytes are always UTF-8: invalid ones become U+FFFD, a byte order mark is dropped."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")

    def read(self, size: int) -> bytes:
        """Return about ``size`` bytes; none only at the end."""
        while chunk := self._file.read(size):
            if text := self._decoder.decode(chunk):
                return text.encode()
        return self._decoder.decode(b"", final=True).encode()
