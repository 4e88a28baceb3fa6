"""What people wrote, as it may stand among the bot's own words."""

from __future__ import annotations

from typing import Final

from discord.utils import escape_markdown, escape_mentions

from wompcore.text import bound

# Marks, embeddings, overrides and isolates of the Unicode bidirectional algorithm (UAX #9): they turn round
# what stands behind them, beyond the end of the text itself.
_DIRECTIONS: Final = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def plain(text: str, limit: int) -> str:
    """Return a text as one line that pings nobody, formats nothing and turns no other line round.

    Args:
        text: What somebody wrote.
        limit: Characters at most, as they are sent: what guards against formatting counts, too.
    """
    line = " ".join(text.translate(_DIRECTIONS).split())
    taken = limit
    while len(shown := escape_mentions(escape_markdown(bound(line, taken)))) > limit:
        taken -= (len(shown) - limit + 1) // 2
    return shown
