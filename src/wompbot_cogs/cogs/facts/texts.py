"""What people read."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING, Final

from discord.utils import escape_markdown, escape_mentions

from wompcore.text import bound

if TYPE_CHECKING:
    from wompbot_cogs.cogs.facts.judgement import Judgement, Source, Verdict

MENU = "Check the facts"
TITLE = "{mark} {verdict}"
REQUESTER = "\n\nAsked for by <@{person}>"
ONE_SOURCE = "Too few independent sources bear on this, so I do not rule on it."

TOO_SHORT = "There is too little text in that message to check."
NO_SEARCH = "I cannot check facts: no search service is set up."
NOTHING_FOUND = "I found nothing about that."
SEARCH_FAILED = "The search service does not answer right now. Please try again later."
NO_ANSWER = "I could not come to a judgement right now. Please try again later."
WITHDRAWN = "The author of that message does not want it to be analysed."
EXCLUDED = "Messages of this channel are not analysed."
IN_PROGRESS = "That message is being checked already."
GONE = "That message is gone."
MAY_NOT_ANSWER = "I may not write in that channel."
SHOWN = "That message was checked a moment ago; the answer is below it."
CHECKED = "The answer is below the message."

TOO_SOON = "You asked for a fact check a moment ago; please wait another {wait}."
ENOUGH = "You had {count} fact checks within 24 hours; that is all for now."
ENOUGH_HERE = "This server had all its fact checks of today; there are new ones after midnight UTC."
ONE_AT_A_TIME = "A fact check for you is in progress."

MARKS: Final[Mapping[Verdict, str]] = {
    "true": "✅",
    "false": "❌",
    "mixed": "🔀",
    "misleading": "⚠️",
    "unverifiable": "❓",
}
_NAMES: Final[Mapping[Verdict, str]] = {
    "true": "True",
    "false": "False",
    "mixed": "Partly true",
    "misleading": "Misleading",
    "unverifiable": "Cannot be verified",
}
_CLAIM_CHARS = 200
_TITLE_CHARS = 100
_URL_CHARS = 500
_LONGEST = 4096
_BRACKETS = str.maketrans({"[": "⟦", "]": "⟧"})


def too_soon(wait_s: float) -> str:
    """Return how long somebody has to wait; a part of a minute counts as one."""
    seconds = max(1, round(wait_s))
    wait = f"{ceil(seconds / 60)} minutes" if seconds > 100 else f"{seconds} second{'s' * (seconds > 1)}"
    return TOO_SOON.format(wait=wait)


def title(found: Judgement) -> str:
    """Return the verdict."""
    return TITLE.format(mark=MARKS[found.verdict], verdict=_NAMES[found.verdict])


def answer(claim: str, found: Judgement, person_id: int) -> str:
    """Return what a fact check found, at most 4,096 characters.

    Args:
        claim: What was said.
        found: What was found.
        person_id: Who asked.
    """
    quote = f"> {_line(bound(' '.join(claim.split()), _CLAIM_CHARS))}\n"
    links = "".join(f"\n{number}. {_link(each)}" for number, each in enumerate(found.sources, start=1))
    end = links + REQUESTER.format(person=person_id)
    return quote + bound(_line(found.analysis) or ONE_SOURCE, _LONGEST - len(quote) - len(end)) + end


def _link(source: Source) -> str:
    """Return a link; whose it is stands beside it, whatever the title pretends."""
    url = source.url.replace("(", "%28").replace(")", "%29")
    name = _line(bound(source.title, _TITLE_CHARS)).replace("://", "꞉//")
    return f"[{name}]({url}) · {_line(source.domain)}" if len(url) <= _URL_CHARS else _line(source.domain)


def _line(text: str) -> str:
    """Return what somebody wrote so that it can neither ping, format nor hide a link."""
    return escape_mentions(escape_markdown(text.translate(_BRACKETS)))
