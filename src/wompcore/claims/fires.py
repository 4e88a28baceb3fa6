"""Who lit a fire under which message, until there are enough to make it a hot take. In memory, bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

ENOUGH: Final = 2
"""People, beside the author, who make a message a hot take (spec 04, section 5)."""


class Fires:
    """The people who lit a fire.

    Args:
        messages: Messages at most; the one lit first is forgotten first.
    """

    def __init__(self, messages: int = 10_000) -> None:
        self._messages = messages
        self._people: OrderedDict[int, frozenset[int]] = OrderedDict()

    def light(self, message_id: int, person_id: int) -> bool:
        """Add a person; return whether there are enough, should none of them be the author."""
        people = self._people.get(message_id, frozenset())
        if person_id in people or len(people) > ENOUGH:  # one more than enough, for the author
            return False
        self._people[message_id] = people | {person_id}
        if len(self._people) > self._messages:
            self._people.popitem(last=False)
        return len(people) + 1 >= ENOUGH

    def put_out(self, message_id: int, person_id: int) -> None:
        """Take a person back."""
        if people := self._people.get(message_id):
            self._people[message_id] = people - {person_id}

    def enough(self, message_id: int, author_id: int) -> bool:
        """Return whether enough people other than the author lit a message."""
        return len(self._people.get(message_id, frozenset()) - {author_id}) >= ENOUGH
