"""What happens in a chat, told without Discord, and who wants to hear of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

from wompcore.ids import snowflake_time

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Observers(Generic[T]):
    """Who wants to hear of something. Hearing is synchronous and quick; one that fails is logged."""

    def __init__(self) -> None:
        self._hearing: tuple[Callable[[T], None], ...] = ()

    def add(self, hear: Callable[[T], None]) -> Callable[[], None]:
        """Call ``hear`` with everything from now on; returns what ends that."""
        self._hearing = (*self._hearing, hear)

        def end() -> None:
            self._hearing = tuple(other for other in self._hearing if other is not hear)

        return end

    def tell(self, event: T) -> None:
        """Tell everybody."""
        for hear in self._hearing:
            try:
                hear(event)
            except Exception:
                # Who listens must never harm what is told.
                _log.exception("somebody failed to hear of a %s", type(event).__name__)


@dataclass(slots=True)
class ChatMessage:
    """One message.

    Args:
        id: Snowflake; carries the time.
        channel_id: Where.
        author_id: Who.
        author_name: The author's name as shown, cleaned.
        text: Content, cleaned: no NUL, no lone surrogates.
        guild_id: The guild, or ``None`` in a direct message.
        reply_to_id: The message this one answers.
        is_bot: The author is a bot (any bot).
        is_own: The author is this bot.
        allowed: The consent gate's answer, carried so that nobody looks it up again.
        addressed: The message speaks to this bot.
    """

    id: int
    channel_id: int
    author_id: int
    author_name: str
    text: str
    guild_id: int | None = None
    reply_to_id: int | None = None
    is_bot: bool = False
    is_own: bool = False
    allowed: bool = True
    addressed: bool = False

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return snowflake_time(self.id)


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """The text of a message changed.

    Args:
        id: The message.
        text: The new text, cleaned.
        author_id: Who wrote it, when known.
        edited_at: When.
    """

    id: int
    text: str
    author_id: int | None
    edited_at: datetime


@dataclass(frozen=True, slots=True)
class ReactionChanged:
    """Somebody reacted to a message or took that back, or a moderator cleared reactions.

    Args:
        message_id: The message.
        channel_id: Where.
        guild_id: Where; ``None`` in a direct message.
        emoji: The emoji as it is written in a message; empty when all were cleared.
        name: The emoji itself, or the name of a custom one.
        change: What happened.
        person_id: Who; ``None`` when reactions were cleared.
        by_bot: A bot did, as far as Discord tells: not of one that was taken back.
    """

    message_id: int
    channel_id: int
    guild_id: int | None
    emoji: str
    name: str
    change: Literal["added", "removed", "cleared"]
    person_id: int | None = None
    by_bot: bool = False


@dataclass(slots=True)
class ReactionTally:
    """How the reactions of a message changed over a while, by emoji.

    Args:
        counts: How many there were at some moment, when that is known; else what was counted before holds.
        without: Emoji whose reactions were all cleared since.
        plus: How many came since; negative when more were taken back.
    """

    counts: dict[str, int] | None = None
    without: set[str] = field(default_factory=set)
    plus: dict[str, int] = field(default_factory=dict)

    def add(self, emoji: str, number: int) -> None:
        """Count some more, or fewer."""
        self.plus[emoji] = self.plus.get(emoji, 0) + number

    def clear(self, emoji: str) -> None:
        """Forget all of one emoji."""
        self.plus.pop(emoji, None)
        self.without.add(emoji)

    def begin(self, counts: Mapping[str, int]) -> None:
        """Begin anew with what is known to be there."""
        self.counts = dict(counts)
        self.without.clear()
        self.plus.clear()


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a channel that were not stored and can be fetched again.

    Args:
        channel_id: Where.
        after_id: The last message known to be stored before the gap; 0 when none is.
        before_id: The first message after the gap; ``None`` while it lasts.
    """

    channel_id: int
    after_id: int
    before_id: int | None = None
