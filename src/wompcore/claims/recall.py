"""What the watcher keeps in mind of what was said, bounded."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from wompcore.events import ChatMessage, MessageEdited


class RecentMessages:
    """The last messages of each channel.

    Args:
        each: Messages per channel.
        channels: Channels at most; the one known longest is forgotten first.
        changes: Edits and deletions that are remembered; the oldest is forgotten first.
    """

    def __init__(self, each: int = 3, channels: int = 10_000, changes: int = 10_000) -> None:
        self._each = each
        self._channels = channels
        self._changes = changes
        self._recent: OrderedDict[int, deque[ChatMessage]] = OrderedDict()
        self._texts: OrderedDict[int, str | None] = OrderedDict()  # None: deleted

    def add(self, message: ChatMessage) -> deque[ChatMessage]:
        """Keep a message; returns the channel's last ones, this one at the end."""
        recent = self._recent.get(message.channel_id)
        if recent is None:
            recent = self._recent[message.channel_id] = deque(maxlen=self._each + 1)
            if len(self._recent) > self._channels:
                self._recent.popitem(last=False)
        recent.append(message)
        return recent

    def edited(self, edit: MessageEdited) -> None:
        """Remember a new text; one that comes behind a deletion is too late."""
        if self._texts.get(edit.id, "") is not None:
            self._change(edit.id, edit.text)

    def deleted(self, message_id: int) -> None:
        """Remember that a message is gone."""
        self._change(message_id, None)

    def as_they_are(self, messages: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
        """Yield messages with the text they have now, without those that are gone."""
        for message in messages:
            text = self._texts.get(message.id, message.text)
            if text is not None:
                yield replace(message, text=text)

    def _change(self, message_id: int, text: str | None) -> None:
        self._texts[message_id] = text
        if len(self._texts) > self._changes:
            self._texts.popitem(last=False)
