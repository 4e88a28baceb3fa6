"""A message on its way through the check, and what is counted of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo

from wompcore.events import ChatMessage, MessageEdited


@dataclass(slots=True)
class ClaimCounts:
    """What was done since the watcher was opened.

    Args:
        screened: Messages judged by the screen.
        fires: Of these, messages that may hold a claim.
        explored: Messages that did not fire and were picked to be checked too.
        held_back: Not checked: the person's cooldown or the guild's daily cap.
        dropped: Not checked: too many were waiting, or the watcher was closing.
        repeated: Not paid for: checked before, the same text was, or the author withdrew.
        checked: Messages put to the model.
        llm_calls: Calls to the model; one may be for several messages.
        unpaid: Messages that no budget was left for.
        failed: Checks that ended in an error.
        stored: Claims stored.
        lessons: Verdicts kept to learn from.
    """

    screened: int = 0
    fires: int = 0
    explored: int = 0
    held_back: int = 0
    dropped: int = 0
    repeated: int = 0
    checked: int = 0
    llm_calls: int = 0
    unpaid: int = 0
    failed: int = 0
    stored: int = 0
    lessons: int = 0


@dataclass(slots=True, eq=False)
class Check:
    """A message that is being checked, and what became of it meanwhile.

    Args:
        message: The message.
        before: What was said before it in the channel, oldest first.
        score: What the screen gave it.
        fired: It fired; otherwise it was picked.
        learns: The server learns from the verdict.
        zone: Where it was said, for days that it names.
        edit: The newest edit since.
        deleted: It was deleted since.
        kept: A claim or a lesson of it is stored.
    """

    message: ChatMessage
    before: tuple[ChatMessage, ...] = ()
    score: float = 0.0
    fired: bool = True
    learns: bool = False
    zone: tzinfo = UTC
    edit: MessageEdited | None = None
    deleted: bool = False
    kept: bool = False
