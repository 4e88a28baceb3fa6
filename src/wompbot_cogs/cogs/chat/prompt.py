"""The prompt of a reply: what stays the same first, what changes last, outside text fenced. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wompcore.llm import Message
from wompcore.repos.reply_context import Line
from wompcore.text import FENCE_RULE, bound, fence, mentions_to_names

HISTORY_CHARS = 12_000
"""Characters of history at most, about 3,000 tokens."""

LINE_CHARS = 500
"""Characters of one line of history at most."""


def build_prompt(
    rules: str,
    history: Sequence[Line],
    *,
    own_name: str,
    own_id: int,
    asker: str,
    request: str,
    stable: Sequence[str] = (),
    varying: Sequence[str] = (),
) -> tuple[Message, ...]:
    """Return the messages for the model.

    Args:
        rules: How to behave; the system prompt.
        history: The channel's last messages, oldest first; the oldest are dropped if it is too long.
        own_name: How the bot's own lines are labelled.
        own_id: The bot's user id.
        asker: Who asks.
        request: What they ask, without the address.
        stable: What plugins say in every reply alike, fenced; stands before all that changes.
        varying: What plugins say for this reply, fenced.
    """
    parts = [Message("system", f"{rules.strip()}\n{FENCE_RULE}")]
    parts += [Message("user", text) for text in stable]
    names = {line.author_id: line.author_name for line in history} | {own_id: own_name}
    lines = [_line(line, names) for line in history]
    kept = _newest(lines, HISTORY_CHARS)
    if kept:
        block = fence("\n".join(kept), "last messages of the channel", limit=HISTORY_CHARS)
        parts.append(Message("user", block))
    parts += [Message("user", text) for text in varying]
    parts.append(Message("user", fence(request, f"request of {asker}", limit=HISTORY_CHARS)))
    return tuple(parts)


def _line(line: Line, names: Mapping[int, str]) -> str:
    text = mentions_to_names(" ".join(line.text.split()), names)
    return f"{names[line.author_id]}: {bound(text, LINE_CHARS)}"


def _newest(lines: Sequence[str], limit: int) -> list[str]:
    kept: list[str] = []
    for line in reversed(lines):
        limit -= len(line) + 1
        if limit < 0:
            break
        kept.append(line)
    return kept[::-1]
