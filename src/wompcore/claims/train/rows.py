"""The labelled and unlabelled text that the screen is trained and judged on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from zlib import crc32

from wompcore.errors import TrainingTextInvalid

LABELLED: Final = ("ct24_en", "regroom_verif", "cmv_verif", "policlaim", "ct22_1b", "dutta")
"""Sets with labels; a positive is a claim that can be checked."""

CHAT: Final = ("irc_ubuntu", "irc_other", "nps_chat", "slack_dev")
"""Ordinary chat without labels."""

TWEETS: Final = "isarcasm"
"""Ordinary and sarcastic tweets, none of them a claim."""

MAY_TRAIN: Final = frozenset(["ct24_en", "regroom_verif", "irc_ubuntu", "irc_other", "isarcasm"])
"""Sets whose licence lets what is fitted on them be shipped. All others only judge."""

Part = Literal["fit", "tune", "judge"]


class Row(NamedTuple):
    """One text.

    Args:
        source: The set, or for mixed chat the channel within it.
        file: The set.
        text: What was written.
        label: 1 a claim, 0 none, ``None`` for chat, which nobody labelled.
        kind: What else the set says about it, such as its dialogue act.
        part: ``fit``: weights are fitted on it; ``tune``: thresholds are set on it; ``judge``: neither.
    """

    source: str
    file: str
    text: str
    label: int | None
    kind: str
    part: Part


def rows(folder: Path) -> Iterator[Row]:
    """Yield every row of every set.

    Args:
        folder: Where the sets lie, a JSON Lines file each.

    Raises:
        TrainingTextInvalid: A file is missing, or a line of it is no row.
    """
    for file in (*LABELLED, *CHAT, TWEETS):
        path = folder / f"{file}.jsonl"
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise TrainingTextInvalid(str(path), str(error)) from error
        for number, line in enumerate(lines, start=1):
            if line:
                try:
                    yield _row(file, json.loads(line))
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    raise TrainingTextInvalid(f"{path}, line {number}", repr(error)) from error


def _row(file: str, stored: dict[str, Any]) -> Row:
    kind = stored.get("kind") or ""
    source = f"irc_{kind}" if file == "irc_other" else file
    return Row(
        source, file, stored["text"], stored["label"], kind, _part(file, stored["split"], stored["text"])
    )


def _part(file: str, split: str, text: str) -> Part:
    """Return the part of a row: by its split, or by its text so that twins stay together."""
    if file not in MAY_TRAIN:
        return "judge"
    if file in LABELLED:
        return "fit" if split == "train" else "judge"
    return "fit" if crc32(text.encode()) % 10 < 7 else "tune"
