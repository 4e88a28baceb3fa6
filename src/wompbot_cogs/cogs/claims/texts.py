"""What people read."""

from __future__ import annotations

from collections.abc import Iterable

from discord.utils import format_dt

from wompbot_cogs import plain
from wompcore.repos.contradictions import ClaimSaid, Contradiction
from wompcore.repos.receipts import Claim, Receipts, Ruling

TITLE = "Receipts"
TOTAL = "{shown} of {total:,} claims · /receipts keyword:#number tells more about one"
NONE = "I have no claims on record here."
NONE_FITS = "I have no claims on record here that fit."
ONE = "Claim #{id}"
TOO_MUCH = "I look for words of at most {limit} characters in all."
NOT_A_NUMBER = "'{word}' is not the number of a claim."
RULED = "{mark} `#{id}` is ruled **{ruling}** by <@{by}>: {text}"
EDITED = " *(edited)*"
DUE = "due by {day}"
FIRST_SAID = "First said: {text}"
UNRULED = "Nobody has ruled on it."
RULED_BY = "{mark} Ruled **{ruling}** by <@{by}> on {when}"
EDITED_SINCE = "It was edited after that."
NOTES = "\nNotes: {notes}"

CONTRADICTIONS = "These do not seem to go together"
NO_CONTRADICTION = "I know of no claims that do not go together."
CONTRADICTIONS_OFF = (
    "I do not compare claims in this server. A bot admin can change that: `settings set contradictions on`."
)
TELLING = "I will tell you here when a new claim of yours contradicts an older one, once a day at most."
NOT_TELLING = "I will not tell you about contradictions here."
_PAIR = "`#{older_id}`{when} {older}\n`#{id}` {text}\n*{explanation}*"

_CLAIM_CHARS = 220  # of ten on a page
_WHOLE_CHARS = 1000
_LINE_CHARS = 200
_NAME_CHARS = 50
_NOTES_CHARS = 400
_WHY_CHARS = 300  # of five
_MARKS: dict[Ruling, str] = {"unverified": "❔", "true": "✅", "false": "❌", "mixed": "🔀", "outdated": "⌛"}


def receipts(found: Receipts) -> str:
    """Return a page of claims, a line each."""
    return "\n".join(_line(claim) for claim in found.claims)


def receipt(claim: Claim, said_before: Iterable[tuple[str, str]]) -> str:
    """Return everything about one claim.

    Args:
        claim: The claim.
        said_before: Who said what right before it.
    """
    before = [f"-# {_name(name)}: {plain(text, _LINE_CHARS)}" for name, text in said_before]
    lines = [f"**{_name(claim.author_name)}:** {plain(claim.text, _WHOLE_CHARS)}"]
    if claim.original_text is not None:
        lines.append(FIRST_SAID.format(text=plain(claim.original_text, _WHOLE_CHARS)))
    lines += ["", " · ".join([f"{claim.confidence} {claim.kind}", format_dt(claim.said_at), *_due(claim)])]
    if claim.ruled_by is None or claim.ruled_at is None:
        lines.append(UNRULED)
    else:
        mark, when = _MARKS[claim.ruling], format_dt(claim.ruled_at, "d")
        lines.append(RULED_BY.format(mark=mark, ruling=claim.ruling, by=claim.ruled_by, when=when))
        lines += [plain(claim.ruling_notes, _NOTES_CHARS)] if claim.ruling_notes else []
        lines += [EDITED_SINCE] if claim.edits and claim.edits[-1].at > claim.ruled_at else []
    return "\n".join([*before, *lines])


def link(claim: Claim) -> str:
    """Return where it was said."""
    return f"https://discord.com/channels/{claim.guild_id}/{claim.channel_id}/{claim.message_id}"


def contradictions(found: Iterable[Contradiction]) -> str:
    """Return pairs of claims that do not go together."""
    return "\n\n".join(_pair(each) for each in found)


def ruled(claim: Claim) -> str:
    """Return what was ruled on a claim, and by whom."""
    text = RULED.format(
        mark=_MARKS[claim.ruling],
        id=claim.id,
        ruling=claim.ruling,
        by=claim.ruled_by,
        text=plain(claim.text, _CLAIM_CHARS),
    )
    return text + (NOTES.format(notes=plain(claim.ruling_notes, _NOTES_CHARS)) if claim.ruling_notes else "")


def _pair(found: Contradiction) -> str:
    return _PAIR.format(
        older_id=found.older.id,
        when=_when(found.older),
        older=plain(found.older.text, _CLAIM_CHARS),
        id=found.claim.id,
        text=plain(found.claim.text, _CLAIM_CHARS),
        explanation=plain(found.explanation, _WHY_CHARS),
    )


def _when(claim: ClaimSaid) -> str:
    return f" ({format_dt(claim.said_at, 'd')})" if claim.said_at else ""


def _line(claim: Claim) -> str:
    parts = (
        f"{_MARKS[claim.ruling]} `#{claim.id}` **{_name(claim.author_name)}**",
        claim.kind,
        format_dt(claim.said_at, "d"),
        *_due(claim),
        plain(claim.text, _CLAIM_CHARS) + (EDITED if claim.edits else ""),
    )
    return " · ".join(parts)


def _due(claim: Claim) -> list[str]:
    return [DUE.format(day=f"{claim.due_on.day} {claim.due_on:%B %Y}")] if claim.due_on else []


def _name(name: str) -> str:
    return plain(name, _NAME_CHARS)
