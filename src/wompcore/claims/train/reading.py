"""Reads training text the way the screen reads messages."""

from __future__ import annotations

from wompcore.claims.reading import prose, says_nothing, shapes


def read(text: str) -> list[str] | None:
    """Return the tokens of a text as the screen sees them; nothing for one that is never judged.

    Texts that are judged only when longer are read, too: their words teach as well.

    Args:
        text: A message.
    """
    line = prose(text)
    shape = shapes(line)
    return None if text.rstrip().endswith("?") or says_nothing(line, shape, set(shape)) else shape
