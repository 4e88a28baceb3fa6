"""A message's way through the bot: gate, store, plugins. Synchronous from end to end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import discord

from wompbot_cogs.address import Address
from wompbot_cogs.guilds import Guilds
from wompcore.consent import Gate
from wompcore.events import ChatMessage, MessageEdited, Observers
from wompcore.ingest import MessageStore
from wompcore.text import clean, clean_name

Matcher = Callable[[ChatMessage], bool]
Handler = Callable[[ChatMessage, discord.Message], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """A plugin's interest in messages.

    Args:
        plugin: Its id.
        matches: Pure and quick; called for every message.
        handle: Awaited, in a task of the plugin's scope, for a message that matched.
        start: Starts that task.
        failed: Told what the matcher raised.
    """

    plugin: str
    matches: Matcher
    handle: Handler
    start: Callable[[Coroutine[Any, Any, None]], None]
    failed: Callable[[BaseException], None]


@dataclass(slots=True)
class FlowCounts:
    """What went through since the start."""

    seen: int = 0
    addressed: int = 0


class MessageFlow:
    """Takes messages in, once each.

    Args:
        gate: Who may be kept.
        store: Where messages go.
        guilds: Which channels are excluded.
        address: What speaks to the bot.
        sees_content: Whether Discord tells what a message says that is not meant for the bot.

    Attributes:
        kept: Hears of every message that may be kept.
    """

    def __init__(
        self, gate: Gate, store: MessageStore, guilds: Guilds, address: Address, *, sees_content: bool = True
    ) -> None:
        self._gate = gate
        self._store = store
        self._guilds = guilds
        self.address = address
        self.sees_content = sees_content
        self._watches: tuple[Watch, ...] = ()
        self._edit_watches: tuple[Callable[[MessageEdited], None], ...] = ()
        self._delete_watches: tuple[Callable[[Iterable[int]], None], ...] = ()
        self.kept: Observers[ChatMessage] = Observers()
        self.own_id = 0
        self.is_command: Callable[[str], bool] = lambda text: False
        self.counts = FlowCounts()

    def take(self, source: discord.Message) -> ChatMessage | None:
        """Take a message in.

        Returns:
            The message as plugins see it; ``None`` for the bot's own, which the feature that sends
            one stores itself, in its final form.
        """
        author = source.author
        if author.id == self.own_id:
            return None
        self.counts.seen += 1
        message = self.read(source)
        self.counts.addressed += message.addressed
        if self.excludes(source.channel):
            message.allowed = False
        elif message.text or self.sees_content:
            self._store.add(message)
        for watch in self._watches:
            try:
                if watch.matches(message):
                    watch.start(watch.handle(message, source))
            except BaseException as error:
                watch.failed(error)  # a plugin's matcher must never cost the others their message
        if message.allowed:
            self.kept.tell(message)
        return message

    def excludes(self, channel: discord.abc.Snowflake) -> bool:
        """Return whether a channel, or the one it is a thread of, is neither stored nor analysed."""
        if self._guilds.excludes(channel.id):
            return True
        return isinstance(channel, discord.Thread) and self._guilds.excludes(channel.parent_id)

    def read(self, source: discord.Message) -> ChatMessage:
        """Return a Discord message as the library's event."""
        author, guild, reference = source.author, source.guild, source.reference
        text = clean(source.content)
        is_bot = author.bot or source.webhook_id is not None
        addressed = not is_bot and self.address.matches(text) and not self.is_command(text)
        return ChatMessage(
            source.id,
            source.channel.id,
            author.id,
            clean_name(author.display_name),
            text,
            None if guild is None else guild.id,
            None if reference is None else reference.message_id,
            is_bot,
            author.id == self.own_id,
            self._gate.allows(author.id),
            addressed,
        )

    def edited(self, event: discord.RawMessageUpdateEvent) -> None:
        """Take an edit in, whatever discord.py's cache holds."""
        data = event.data
        author = data.get("author")
        author_id = int(author["id"]) if author else None
        if "content" not in data or author_id == self.own_id:
            return
        edit = MessageEdited(event.message_id, clean(data["content"]), author_id, discord.utils.utcnow())
        self._store.edited(edit)
        for watch in self._edit_watches:
            watch(edit)

    def deleted(self, ids: Iterable[int]) -> None:
        """Take deletions in."""
        ids = tuple(ids)
        self._store.deleted(ids)
        for watch in self._delete_watches:
            watch(ids)

    def watch(self, watch: Watch) -> Callable[[], None]:
        """Add a plugin's interest; returns what ends it."""
        self._watches = (*self._watches, watch)

        def end() -> None:
            self._watches = tuple(other for other in self._watches if other is not watch)

        return end

    def watch_changes(
        self, edited: Callable[[MessageEdited], None], deleted: Callable[[Iterable[int]], None]
    ) -> Callable[[], None]:
        """Call back with every edit and deletion; returns what ends it. Callbacks raise nothing."""
        self._edit_watches = (*self._edit_watches, edited)
        self._delete_watches = (*self._delete_watches, deleted)

        def end() -> None:
            self._edit_watches = tuple(other for other in self._edit_watches if other is not edited)
            self._delete_watches = tuple(other for other in self._delete_watches if other is not deleted)

        return end
