"""Links in a text, and how they are kept from being opened by whoever shows it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

# Code and links that are held already come first, so that neither is touched.
_LINK: Final = re.compile(
    r"```.*?```|`[^`\n]*+`|<https?://[^\s<>]*+>|(https?://[^\s<>`]++)", re.DOTALL | re.I
)
_ANY: Final = re.compile(r"https?://[^\s<>`]++", re.IGNORECASE)
_PUNCTUATION: Final = ".,:;!?'\"*_~|"


def links_in(text: str) -> set[str]:
    """Return the http and https links of a text, code included.

    Args:
        text: Any text.
    """
    return {_end(link) for link in _ANY.findall(text)}


def hold_links(text: str, known: Collection[str]) -> str:
    """Put links that nobody gave into angle brackets, so that Discord does not open them for a preview.

    A model that was talked into it can write what it knows into a link; a preview would send it off
    without anybody pressing anything.

    Args:
        text: What a model wrote.
        known: Links that stood in what it was given; these stay as they are. Exact matches only.
    """

    def hold(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        link = _end(match[1])
        return match[0] if link in known else f"<{link}>{match[1][len(link) :]}"

    return _LINK.sub(hold, text)


def _end(link: str) -> str:
    """Cut a link where the sentence around it goes on: at a bracket that it did not open itself."""
    open_brackets = 0
    for index, char in enumerate(link):
        open_brackets += (char == "(") - (char == ")")
        if open_brackets < 0:
            link = link[:index]
            break
    return link.rstrip(_PUNCTUATION)
