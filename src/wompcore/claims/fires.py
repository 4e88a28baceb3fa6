"""Who lit a fire under which message, until there are enough to make it a hot take. In memory, bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

ENOUGH: Final = 2
"""People, beside the author, who make a message a hot take (spec 04, section 5)."""

_NOBODY: Final[frozenset[int]] = frozenset()


class Fires:
    """The people who lit a fire.

    Args:
        messages: Messages at most; the one lit first is forgotten first.
    """

    def __init__(self, messages: int = 10_000) -> None:
        self._messages = messages
        self._people: OrderedDict[int, frozenset[int]] = OrderedDict()

    def by(self, message_id: int) -> frozenset[int]:
        """Return who lit a message."""
        return self._people.get(message_id, _NOBODY)

    def light(self, message_id: int, person_id: int) -> bool:
        """Add a person; return whether they are the last it takes, should the author not be among them."""
        people = self.by(message_id)
        if person_id in people or len(people) > ENOUGH:  # one more than enough: one may be the author
            return False
        self._people[message_id] = people | {person_id}
        if len(self._people) > self._messages:
            self._people.popitem(last=False)
        return len(people) + 1 >= ENOUGH

    def begin(self, message_id: int, person_id: int) -> None:
        """Begin anew with one person."""
        self._people[message_id] = frozenset({person_id})
