"""Who lit a fire under which message, until there are enough to make it a hot take. In memory, bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

ENOUGH: Final = 2
"""People, beside the author, who make a message a hot take (spec 04, section 5)."""

_NOBODY: Final[frozenset[int]] = frozenset()


class Fires:
    """The people who lit a fire, as far as this process heard of it.

    Fires on a message from before it listened may have been lit unheard: with the first one that is heard
    such a message is worth a look.

    Args:
        since_id: A snowflake; nothing about later messages was missed.
        messages: Messages at most; the one lit first is forgotten first.
    """

    def __init__(self, since_id: int = 0, messages: int = 10_000) -> None:
        self._since_id = since_id
        self._messages = messages
        self._people: OrderedDict[int, frozenset[int]] = OrderedDict()

    def by(self, message_id: int) -> frozenset[int]:
        """Return who lit a message."""
        return self._people.get(message_id, _NOBODY)

    def light(self, message_id: int, person_id: int) -> bool:
        """Add a person; return whether to look who lit the message: there may be enough now."""
        people = self.by(message_id)
        if person_id in people or len(people) > ENOUGH:  # one more than enough: one may be the author
            return False
        self.are_by(message_id, people | {person_id})
        return len(people) + 1 >= ENOUGH or (not people and message_id < self._since_id)

    def are_by(self, message_id: int, people: Iterable[int]) -> None:
        """Take note of who lit a message, in the place of what was heard."""
        self._people[message_id] = frozenset(people)
        if len(self._people) > self._messages:
            self._people.popitem(last=False)

    def missed(self, since_id: int) -> None:
        """Begin anew: some may have been missed.

        Args:
            since_id: A snowflake; nothing about later messages was.
        """
        self._people.clear()
        self._since_id = since_id
