"""What a search finds, made fit to be shown to a model. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wompcore.text import bound, clean

TITLE_CHARS = 120
URL_CHARS = 300
SNIPPET_CHARS = 200
TOTAL_CHARS = 1500
"""Source of the last two: spec 02, section 6."""

_TAG = re.compile(r"<[^<>]{0,200}>")
_RAW_CHARS = 10_000  # of a field as it came


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page that a search found.

    Args:
        title: One line.
        url: Where it is; http or https.
        snippet: What it says, one line of at most 200 characters.
    """

    title: str
    url: str
    snippet: str


def read_results(found: Any, snippet: str, limit: int) -> list[SearchResult]:
    """Return the usable results of a service's answer.

    Args:
        found: The answer's list of results, objects with ``title`` and ``url``.
        snippet: The name of the field that holds what a page says.
        limit: Results at most.
    """
    results: list[SearchResult] = []
    for item in found if isinstance(found, list) else ():
        url = item.get("url") if isinstance(item, Mapping) else None
        if not isinstance(url, str) or not _is_link(url):
            continue
        title = _line(item.get("title"), TITLE_CHARS) or url
        results.append(SearchResult(title, url, _line(item.get(snippet), SNIPPET_CHARS)))
    return results[:limit]


def as_text(results: Iterable[SearchResult]) -> str:
    """Return results as a numbered list of at most about 1,500 characters, best first."""
    shown: list[str] = []
    room = TOTAL_CHARS
    for number, result in enumerate(results, 1):
        entry = f"{number}. {result.title}\n{result.url}\n{result.snippet}".rstrip()
        room -= len(entry)
        if room < 0 and shown:
            break
        shown.append(entry)
    return "\n".join(shown)


def _is_link(url: str) -> bool:
    plain = url.isprintable() and not any(mark in url for mark in " <>\"'`")
    return plain and url.startswith(("https://", "http://")) and len(url) <= URL_CHARS


def _line(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        return ""
    text = _TAG.sub("", html.unescape(value[:_RAW_CHARS]))
    return bound(" ".join(clean(text).split()), limit)
