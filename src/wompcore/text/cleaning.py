"""Making text fit to be stored and shown."""

from __future__ import annotations

NAME_LIMIT = 80
"""Characters of a person's name that are kept."""

_NO_NAME = "unnamed"


def clean(text: str) -> str:
    """Drop what neither UTF-8 nor PostgreSQL can hold: NUL and lone surrogates.

    Everything else stays as it is; two surrogates that form a pair become the character they mean.
    The difference in length tells that something was dropped or joined.

    Args:
        text: Any text.

    Returns:
        The same object when there is nothing to drop.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return text


def clean_name(name: str) -> str:
    """Return a name as one line of printable text, at most 80 characters, never empty.

    Line breaks become spaces, so a name can stand before a colon in a prompt or a list without
    pretending to be a line of its own.

    Args:
        name: Any text.
    """
    name = clean(name[: 4 * NAME_LIMIT])
    if not name.isprintable():
        name = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in name)
    return " ".join(name.split())[:NAME_LIMIT].rstrip() or _NO_NAME


def bound(text: str, limit: int, mark: str = "…") -> str:
    """Cut a text to ``limit`` characters; a cut text ends in ``mark``.

    Args:
        text: Any text.
        limit: Characters at most, the mark included.
        mark: What shows the cut; shortened itself when the limit is below its length.
    """
    if len(text) <= limit:
        return text
    return (text[: max(0, limit - len(mark))].rstrip() + mark)[:limit]
