"""Stored messages, read back: the newest of a channel, and those with certain words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wompcore.consent import Gate
from wompcore.ids import snowflake_time
from wompcore.repos.recall import RecalledRow, RecallRepository
from wompcore.text import bound, fence

MOST = 100
"""Messages in one answer at most."""

WORDS_CHARS = 200


@dataclass(frozen=True, slots=True)
class Remembered:
    """A message that was stored.

    Args:
        id: Its id.
        channel_id: Where it was said.
        author_id: Who said it.
        author_name: Their name as shown then.
        text: What they said; the words of others, so :attr:`fenced` is what belongs into a prompt.
    """

    id: int
    channel_id: int
    author_id: int
    author_name: str
    text: str

    @property
    def said_at(self) -> datetime:
        """When it was said."""
        return snowflake_time(self.id)

    @property
    def fenced(self) -> str:
        """The text as a model may read it."""
        return fence(self.text, f"{self.author_name}, {self.said_at:%Y-%m-%d %H:%M}")


class Memory:
    """Finds what was said. Nobody who withdrew is in an answer, and none is larger than :data:`MOST`.

    A message is found a moment after it was said, once its batch is written.

    Args:
        recall: Reads stored messages.
        consent: Who may be read.
    """

    def __init__(self, recall: RecallRepository, consent: Gate) -> None:
        self._recall = recall
        self._consent = consent

    async def recent(self, channel_id: int, limit: int = 20) -> list[Remembered]:
        """Return a channel's newest messages, the oldest of them first.

        Args:
            channel_id: The channel.
            limit: Messages at most; 1 to 100.

        Raises:
            DatabaseError: The database is away.
        """
        return self._known(reversed(await self._recall.recent(channel_id, _within(limit))))

    async def search(self, words: str, *, guild_id: int, limit: int = 20) -> list[Remembered]:
        """Return messages of a guild that have all of some words, the newest first.

        Args:
            words: The words, in any order and case; those in quotation marks stand together, one after
                a minus is not there. 200 characters at most.
            guild_id: The guild; nothing of another one is found.
            limit: Messages at most; 1 to 100.

        Raises:
            DatabaseError: The database is away.
        """
        asked = bound(words.replace("\0", ""), WORDS_CHARS)
        return self._known(await self._recall.search(asked, guild_id, _within(limit)))

    def _known(self, rows: Iterable[RecalledRow]) -> list[Remembered]:
        """Leave out who withdrew while the database was asked."""
        return [Remembered(*row) for row in rows if self._consent.allows(row.author_id)]


def _within(limit: int) -> int:
    return max(1, min(limit, MOST))
