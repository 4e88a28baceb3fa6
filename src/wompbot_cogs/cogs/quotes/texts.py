"""What people read."""

from __future__ import annotations

from collections.abc import Sequence

from discord.utils import format_dt

from wompbot_cogs import plain
from wompcore.claims import Mode
from wompcore.repos.quotes import Quotations, Quote, Spoken

MENU = "Quote this"
SAVED = "Saved as a quote."
SAVED_TOO = "That is a quote already; it counts that you want it kept, too."
SWITCHED_OFF = "Quotes are switched off here"
TITLE = "Quotes"
TITLES: dict[Mode, str] = {
    "daily": "Quote of the day",
    "weekly": "Quote of the week",
    "monthly": "Quote of the month",
    "alltime": "One of the best quotes",
    "random": "A quote",
}
TOTAL = "{shown} of {total:,} quotes"
NONE = "There are no quotes here yet. React with ☁️ to a message to keep it."
NONE_OF_THEIRS = "There are no quotes of theirs here."
NONE_FITS = "There are no quotes with these words here."
NONE_LEFT = "There are no such quotes here any more."
TOO_MUCH = "I look for words of at most {limit} characters in all."
NONE_CHOSEN: dict[Mode, str] = {
    "daily": "Nothing was quoted here today.",
    "weekly": "Nothing was quoted here in the last 7 days.",
    "monthly": "Nothing was quoted here in the last 30 days.",
    "alltime": NONE,
    "random": NONE,
}

_LINE_CHARS = 280  # of ten on a page
_QUOTE_CHARS = 1500
_AROUND_CHARS = 200
_NAME_CHARS = 50


def none(*, of_member: bool, with_words: bool) -> str:
    """Return that there are no quotes, and what makes one."""
    return NONE_FITS if with_words else NONE_OF_THEIRS if of_member else NONE


def page(found: Quotations) -> str:
    """Return a page of quotes, a line each."""
    return "\n".join(_line(quote) for quote in found.quotes)


def quote(quote: Quote, around: Sequence[Spoken]) -> str:
    """Return one quote with what was said around it, who said it and who saved it."""
    said = f"**{plain(quote.author_name, _NAME_CHARS)}:** {plain(quote.text, _QUOTE_CHARS)}"
    before = [_spoken(line) for line in around if not line.after]
    after = [_spoken(line) for line in around if line.after]
    credit = f"Saved {format_dt(quote.saved_at, 'd')}"
    if quote.first_id is not None:
        credit += f" by <@{quote.first_id}>"
    if quote.savers > 1:
        credit += f" and {quote.savers - 1:,} more"
    return "\n".join([*before, said, *after, "", credit])


def link(quote: Quote) -> str:
    """Return where the quoted message is."""
    return f"https://discord.com/channels/{quote.guild_id}/{quote.channel_id}/{quote.message_id}"


def _line(quote: Quote) -> str:
    parts = (
        f"`#{quote.id}` **{plain(quote.author_name, _NAME_CHARS)}**",
        format_dt(quote.saved_at, "d"),
        f"☁️ {quote.savers:,}",
        plain(quote.text, _LINE_CHARS),
    )
    return " · ".join(parts)


def _spoken(line: Spoken) -> str:
    return f"-# {plain(line.author_name, _NAME_CHARS)}: {plain(line.text, _AROUND_CHARS)}"
