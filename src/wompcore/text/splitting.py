"""Splitting a long answer into messages."""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_SMALLEST_LIMIT: Final = 64
_OPENER: Final = re.compile(r"```(?:[A-Za-z0-9_+.#-]{0,20}\n)?")
_CLOSING: Final = "\n```"
_SPACE: Final = re.compile(r"\s*")
_LINE_BREAKS: Final = re.compile(r"\n*")
_SENTENCE: Final = re.compile(r"[.!?…][\"')\]]*(?=\s)")
_JOINERS: Final = "\u200d\ufe0e\ufe0f"
_LONGEST_CLUSTER: Final = 32
_NEAR: Final = 100


def split_message(text: str, limit: int = 2000) -> list[str]:
    """Split a text into messages, at the best border that fits.

    Borders are tried in this order: paragraph, line, sentence, word, character. A code block that
    goes on in the next message is closed at the end of the one and opened again, with its language,
    at the start of the other; a block that never ends is closed at the end. White space at a border
    is dropped, but never the indentation of code. The time is linear in the length of the text.

    Args:
        text: The whole text.
        limit: Characters per message at most, in code points as Discord counts them; 64 or more.

    Returns:
        The messages in order; none for a text of nothing but white space.

    Raises:
        ValueError: The limit is below 64.
    """
    return [piece.head + piece.body + piece.tail for piece in pieces(text, limit)]


@dataclass(frozen=True, slots=True)
class Piece:
    """One message: a stretch of the text between the fence lines that were added."""

    head: str
    body: str
    tail: str


@dataclass(frozen=True, slots=True)
class _Block:
    """A code block: its opening mark lies at ``start:code``, its closing mark at ``close:end``."""

    start: int
    code: int
    close: int
    end: int
    opener: str


class _Blocks:
    """The code blocks of a text. One that is never closed ends behind the end of the text."""

    def __init__(self, text: str) -> None:
        self._blocks: list[_Block] = []
        at = 0
        while opening := _OPENER.search(text, at):
            close = text.find("```", opening.end())
            close, at = (close, close + 3) if close >= 0 else (len(text), len(text) + 1)
            opener = opening[0].rstrip() + "\n"
            self._blocks.append(_Block(opening.start(), opening.end(), close, at, opener))
        self._starts = [block.start for block in self._blocks]

    def around(self, at: int) -> _Block | None:
        """Return the block with ``start < at < end``."""
        index = bisect_left(self._starts, at) - 1
        return self._blocks[index] if index >= 0 and at < self._blocks[index].end else None


def pieces(text: str, limit: int) -> Iterator[Piece]:
    """Yield the messages of :func:`split_message` with the added fence lines kept apart."""
    if limit < _SMALLEST_LIMIT:
        raise ValueError(f"a message needs at least {_SMALLEST_LIMIT} characters, not {limit}")
    text = text.rstrip()
    blocks = _Blocks(text)
    last_tail = _CLOSING if blocks.around(len(text)) else ""
    at = 0
    while at < len(text):
        block = blocks.around(at)
        at = _skip(_LINE_BREAKS if block else _SPACE, text, at)
        head = block.opener if block else ""
        room = limit - len(head)
        if len(text) - at + len(last_tail) <= room:
            cut = len(text)
        else:
            opened = blocks.around(at + 1)
            cut = _border(text, max(at, opened.code) if opened else at, at + room - len(_CLOSING))
        body_end, tail, following = _seam(text, blocks.around(cut), at, cut)
        if body := text[at:body_end].rstrip():
            yield Piece(head, body, tail)
        at = following


def _seam(text: str, block: _Block | None, at: int, cut: int) -> tuple[int, str, int]:
    """Return where a piece that starts at ``at`` really ends, its tail, and where the next starts."""
    if block is None:
        return cut, "", cut
    if at < block.start and cut <= block.code:  # not between an opening mark and its code
        return block.start, "", block.start
    if _skip(_SPACE, text, cut, cut + _NEAR) >= block.close:  # no code is left: our mark is its mark
        return min(cut, block.close), _CLOSING, block.end
    return cut, _CLOSING, cut


def _border(text: str, start: int, end: int) -> int:
    """Return the best place to cut in ``start + 1 .. end``: in the second half, except for words."""
    half = max(start + 1, (start + end) // 2)
    for mark in ("\n\n", "\n"):
        if (cut := text.rfind(mark, half, end + len(mark))) >= 0:
            return cut
    if sentences := [match.end() for match in _SENTENCE.finditer(text, half, end + 1)]:
        return sentences[-1]
    cut = max(text.rfind(space, start + 1, end + 1) for space in " \n\t")
    if cut >= 0:
        return cut
    for cut in range(end, max(start + 1, end - _LONGEST_CLUSTER), -1):
        if not (unicodedata.combining(text[cut]) or text[cut] in _JOINERS or text[cut - 1] == "\u200d"):
            return cut
    return end


def _skip(pattern: re.Pattern[str], text: str, at: int, end: int = sys.maxsize) -> int:
    match = pattern.match(text, at, end)
    return match.end() if match else at
