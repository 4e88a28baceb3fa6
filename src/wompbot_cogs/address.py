"""What speaks to the bot: its mention, its name, or ``!wb``."""

from __future__ import annotations

import re


class Address:
    """Recognises and removes the address of a message.

    Args:
        name: The bot's name, matched as a whole word in any case; "wompbot" also as "womp bot".
        user_id: The bot's user id, 0 until it is known.
        shorthand: The word that opens a request.
    """

    def __init__(self, name: str, user_id: int = 0, shorthand: str = "!wb") -> None:
        self.name = name
        spelling = r"womp\s*bot" if name.casefold() == "wompbot" else re.escape(name)
        self._name = re.compile(rf"(?<!\w)@?{spelling}(?!\w)[,:]?", re.IGNORECASE)
        self._hint = "womp" if name.casefold() == "wompbot" else name.casefold()
        self._at_ends = re.compile(rf"^@?{spelling}(?!\w)[,:]?|[,\s]+@?{spelling}(?=[.!?]*$)", re.IGNORECASE)
        self._shorthand = re.compile(rf"^\s*{re.escape(shorthand)}(?:\s+|$)", re.IGNORECASE)
        self._opening = shorthand.casefold()
        self.know(user_id)

    def know(self, user_id: int) -> None:
        """Learn the bot's user id."""
        self._mention = re.compile(rf"<@!?{user_id}>")
        self._user_id = str(user_id)

    def matches(self, text: str) -> bool:
        """Return whether a message speaks to the bot. Everyone-mentions do not."""
        if self._user_id in text and self._mention.search(text):
            return True
        folded = text.casefold()
        if self._hint in folded and self._name.search(text):
            return True
        return self._opening in folded and self._shorthand.match(text) is not None

    def strip(self, text: str) -> str:
        """Return the request without mentions, the opening shorthand, and the name at either end."""
        text = self._mention.sub(" ", self._shorthand.sub("", text, count=1))
        text = self._at_ends.sub("", re.sub(r"[ \t]{2,}", " ", text).strip())
        return text.strip(" ,:")
