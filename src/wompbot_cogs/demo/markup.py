"""Discord's markup on a terminal: mentions, times, bold, italic and code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from rich.text import Text

_TOKEN = re.compile(
    r"\\(?P<escaped>[^\sA-Za-z0-9])"
    r"|<@!?(?P<person>\d+)>"
    r"|<#(?P<channel>\d+)>"
    r"|<t:(?P<time>-?\d{1,11})(?::(?P<style>\w))?>"
    r"|`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|\*(?P<italic>[^*\n]+)\*"
    r"|^(?P<small>-# )",
    re.MULTILINE,
)


def readable(text: str, name_of: Callable[[int], str]) -> Text:
    """Return a message as Discord would show it.

    Args:
        text: Content of a message.
        name_of: Gives the name of a person's or channel's id.
    """
    shown, end = Text(), 0
    for token in _TOKEN.finditer(text):
        shown.append(text[end : token.start()])
        shown.append_text(_shown(token, name_of))
        end = token.end()
    return shown.append(text[end:])


def _shown(token: re.Match[str], name_of: Callable[[int], str]) -> Text:
    kind, value = token.lastgroup, token[token.lastgroup or 0]
    match kind:
        case "person":
            return Text(f"@{name_of(int(value))}", style="bold")
        case "channel":
            return Text(f"#{name_of(int(value))}", style="bold")
        case "time" | "style":
            return Text(_time(int(token["time"]), token["style"] or "f"))
        case "code":
            return Text(value, style="cyan")
        case "bold" | "italic":
            inner = readable(value, name_of)
            inner.stylize(kind)
            return inner
        case "small":  # a terminal has letters of one size
            return Text()
    return Text(value)


def _time(seconds: int, style: str) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    if style == "R":
        return f"{max(0.0, (datetime.now(UTC) - at).total_seconds()):.0f} s ago"
    return f"{at:%Y-%m-%d}" if style in "dD" else f"{at:%Y-%m-%d %H:%M} UTC"
