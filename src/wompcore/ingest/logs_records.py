"""One message of a chat log, and how its fields are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from wompcore.errors import LogUnreadable
from wompcore.ids import MAX_ID, snowflake_time

_EARLIEST, _LATEST = snowflake_time(-MAX_ID), snowflake_time(MAX_ID)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One message of a chat log, as it stands there: nothing is cleaned yet.

    Args:
        line: Line of the file, or place in its list of messages; the first is 1.
        id: The message's number in the log; any whole number.
        channel: Channel name.
        author: The author's name.
        at: When, aware, UTC.
        text: Content.
        author_id: The author's real id, where the log knows it.
        reply_to: Number of the message answered.
        is_bot: The author is a bot.
    """

    line: int
    id: int
    channel: str
    author: str
    at: datetime
    text: str
    author_id: int | None = None
    reply_to: int | None = None
    is_bot: bool = False


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Open a log for reading.

    Raises:
        LogUnreadable: It is missing, not a file, not permitted, or fails while it is read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise LogUnreadable(str(path), (error.strerror or str(error)).lower()) from error


def name_in(data: Mapping[str, Any], key: str) -> str:
    """Return a text that must not be empty.

    Raises:
        ValueError: It is missing, empty or not text; says which.
    """
    value = text_in(data, key)
    if not value:
        raise ValueError(f"'{key}' is empty")
    return value


def text_in(data: Mapping[str, Any], key: str) -> str:
    """Return a text.

    Raises:
        ValueError: It is missing or not text; says which.
    """
    value = _value_in(data, key)
    if not isinstance(value, str):
        raise ValueError(f"'{key}' must be text, not {_kind(value)}")
    return value


def number_in(data: Mapping[str, Any], key: str) -> int:
    """Return a whole number, also one that is written as text.

    Raises:
        ValueError: It is missing or not a whole number; says which.
    """
    value = _value_in(data, key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 40 and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    raise ValueError(f"'{key}' must be a whole number, not {_kind(value)}")


def time_in(data: Mapping[str, Any], key: str) -> datetime:
    """Return an ISO 8601 time as aware UTC; one without a zone is taken as UTC.

    Raises:
        ValueError: It is missing, not a time, or one that no id can hold; says which.
    """
    value = text_in(data, key)
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"'{key}' must be an ISO 8601 time, not {value[:40]!r}") from None
    if not _EARLIEST <= at <= _LATEST:
        raise ValueError(f"'{key}' is too far away for an id")
    return at


def _value_in(data: Mapping[str, Any], key: str) -> Any:
    value = data.get(key)
    if value is None:
        raise ValueError(f"'{key}' is missing")
    return value


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", dict: "an object", list: "a list", float: "a decimal"}
    return names.get(type(value), "a number")
