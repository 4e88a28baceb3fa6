"""What people read."""

from __future__ import annotations

from discord.utils import escape_markdown, escape_mentions, format_dt

from wompcore.repos.receipts import Claim, Receipts, Ruling
from wompcore.text import bound

TITLE = "Receipts"
TOTAL = "{shown} of {total:,} claims"
NONE = "I have no claims on record here."
NONE_FITS = "I have no claims on record here that fit."
NOT_A_NUMBER = "'{word}' is not the number of a claim."
RULED = "{mark} `#{id}` is ruled **{ruling}** by <@{by}>: {text}"
EDITED = " *(edited)*"
NOTES = "\nNotes: {notes}"

_LONGEST = 4096
_CLAIM_CHARS = 200
_NOTES_CHARS = 500
_MARKS: dict[Ruling, str] = {"unverified": "❔", "true": "✅", "false": "❌", "mixed": "🔀", "outdated": "⌛"}


def receipts(found: Receipts) -> str:
    """Return a page of claims, a line each."""
    return bound("\n".join(_line(claim) for claim in found.claims), _LONGEST)


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
