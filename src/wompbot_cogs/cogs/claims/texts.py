"""What people read."""

from __future__ import annotations

from collections.abc import Iterable

from discord.utils import escape_markdown, escape_mentions, format_dt

from wompcore.repos.contradictions import ClaimSaid, Contradiction
from wompcore.repos.receipts import Claim, Receipts, Ruling
from wompcore.text import bound

TITLE = "Receipts"
TOTAL = "{shown} of {total:,} claims"
NONE = "I have no claims on record here."
NONE_FITS = "I have no claims on record here that fit."
OLDER = "Older"
NEWER = "Newer"
TOO_MUCH = "I look for words of at most {limit} characters in all."
NOT_A_NUMBER = "'{word}' is not the number of a claim."
RULED = "{mark} `#{id}` is ruled **{ruling}** by <@{by}>: {text}"
EDITED = " *(edited)*"
NOTES = "\nNotes: {notes}"

CONTRADICTIONS = "These do not seem to go together"
NO_CONTRADICTION = "I know of no claims that do not go together."
CONTRADICTIONS_OFF = (
    "I do not compare claims in this server. A bot admin can change that: `settings set contradictions on`."
)
TELLING = "I will tell you here when a new claim of yours contradicts an older one, once a day at most."
NOT_TELLING = "I will not tell you about contradictions here."
_PAIR = "`#{older_id}`{when} {older}\n`#{id}` {text}\n*{explanation}*"

_LONGEST = 4096
_CLAIM_CHARS = 200
_NOTES_CHARS = 500
_MARKS: dict[Ruling, str] = {"unverified": "❔", "true": "✅", "false": "❌", "mixed": "🔀", "outdated": "⌛"}


def receipts(found: Receipts) -> str:
    """Return a page of claims, a line each."""
    return bound("\n".join(_line(claim) for claim in found.claims), _LONGEST)


def contradictions(found: Iterable[Contradiction]) -> str:
    """Return pairs of claims that do not go together."""
    return bound("\n\n".join(_pair(each) for each in found), _LONGEST)


def ruled(claim: Claim) -> str:
    """Return what was ruled on a claim, and by whom."""
    text = RULED.format(
        mark=_MARKS[claim.ruling],
        id=claim.id,
        ruling=claim.ruling,
        by=claim.ruled_by,
        text=_quote(claim.text, _CLAIM_CHARS),
    )
    return text + (NOTES.format(notes=_quote(claim.ruling_notes, _NOTES_CHARS)) if claim.ruling_notes else "")


def _pair(found: Contradiction) -> str:
    return _PAIR.format(
        older_id=found.older.id,
        when=_when(found.older),
        older=_quote(found.older.text, _CLAIM_CHARS),
        id=found.claim.id,
        text=_quote(found.claim.text, _CLAIM_CHARS),
        explanation=_quote(found.explanation, _NOTES_CHARS),
    )


def _when(claim: ClaimSaid) -> str:
    return f" ({format_dt(claim.said_at, 'd')})" if claim.said_at else ""


def _line(claim: Claim) -> str:
    parts = (
        f"{_MARKS[claim.ruling]} `#{claim.id}` **{_quote(claim.author_name, _CLAIM_CHARS)}**",
        claim.kind,
        format_dt(claim.said_at, "d"),
        _quote(claim.text, _CLAIM_CHARS) + (EDITED if claim.edits else ""),
    )
    return " · ".join(parts)


def _quote(text: str, limit: int) -> str:
    """Return what somebody wrote as one line that can neither ping nor format."""
    return escape_mentions(escape_markdown(bound(" ".join(text.split()), limit)))
