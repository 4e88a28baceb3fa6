"""What people read."""

from __future__ import annotations

from collections.abc import Sequence

from discord.utils import format_dt

from wompbot_cogs import plain
from wompcore.repos.hot_take_boards import Board, HotTake, Outcome, OwnTakes

TITLES: dict[Board, str] = {
    "controversial": "The most controversial takes",
    "vindicated": "Takes that came true",
    "worst": "Takes that did not age well",
    "community": "What this server argues about most",
    "combined": "Controversial, and right",
}
PERIOD = "Of the last {days} days"
NONE = "There are no hot takes of that kind here from the last {days} days."
HOW = " React with 🔥 to a message: two people make it one."
UNRATED = " A take is rated once people argue about it; `community` shows those that wait."
NONE_OWN = "You have no hot takes here yet."
OWN_TITLE = "Your hot takes"
NOT_A_NUMBER = "'{word}' is not the number of a hot take."
RULED = "{mark} `#{id}` is **{outcome}**, says <@{by}>: {text}"
NOTES = "\nNotes: {notes}"

_TAKE_CHARS = 150  # of ten on a page
_NAME_CHARS = 40
_NOTES_CHARS = 500
_MARKS: dict[Outcome, str] = {"pending": "❔", "won": "🏆", "lost": "💀", "mixed": "🔀"}


def none(board: Board, days: int) -> str:
    """Return that a leaderboard is empty, and what fills it."""
    return NONE.format(days=days) + (
        HOW if board == "community" else UNRATED if board == "controversial" else ""
    )


def ranking(top: Sequence[HotTake], board: Board, *, after: int = 0) -> str:
    """Return places of a leaderboard, three lines for each hot take.

    Args:
        top: The hot takes.
        board: What they are ranked by.
        after: How many lead the first of them.
    """
    return "\n".join(_entry(place, take, board) for place, take in enumerate(top, after + 1))


def own(takes: OwnTakes) -> str:
    """Return how a person's hot takes do."""
    rate = "none ruled yet" if takes.win_rate is None else f"{takes.win_rate:.0%}"
    lines = (
        f"**{takes.total:,}** in all",
        f"controversy: {_average(takes.controversy)}",
        f"community: {_average(takes.community)}",
        f"{_MARKS['won']} {takes.won} came true, {_MARKS['lost']} {takes.lost} did not, "
        f"{_MARKS['mixed']} {takes.mixed} in part",
        f"win rate: {rate}",
        f"spiciest: `#{takes.spiciest.id}` {plain(takes.spiciest.text, _TAKE_CHARS)} "
        f"({_score(takes.spiciest.controversy)})",
    )
    return "\n".join(lines)


def ruled(take: HotTake) -> str:
    """Return what became of a hot take, and who says so."""
    text = RULED.format(
        mark=_MARKS[take.outcome],
        id=take.id,
        outcome=take.outcome,
        by=take.ruled_by,
        text=plain(take.text, _TAKE_CHARS),
    )
    return text + (NOTES.format(notes=plain(take.notes, _NOTES_CHARS)) if take.notes else "")


def _entry(place: int, take: HotTake, board: Board) -> str:
    community = f"community {take.community:.1f} ({take.reactions:,} reactions, {take.replies:,} replies)"
    controversy = f"controversy {_score(take.controversy)}"
    scores = (community, controversy) if board == "community" else (controversy, community)
    head = (
        f"{place}. `#{take.id}` **{plain(take.author_name, _NAME_CHARS)}** · {format_dt(take.made_at, 'd')}"
    )
    mark = f" {_MARKS[take.outcome]}" if take.outcome != "pending" else ""
    link = f"[message](https://discord.com/channels/{take.guild_id}/{take.channel_id}/{take.message_id})"
    return f"{head}{mark}\n{plain(take.text, _TAKE_CHARS)}\n-# {' · '.join((*scores, link))}"


def _average(score: float | None) -> str:
    return "none rated yet" if score is None else f"{score:.1f} of 10 on average"


def _score(score: float | None) -> str:
    return "not rated" if score is None else f"{score:.1f} of 10"
