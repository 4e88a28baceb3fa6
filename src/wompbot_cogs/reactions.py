"""A reaction's way through the bot. One that nobody watches costs a few look-ups in memory."""

from __future__ import annotations

from collections.abc import Callable, Container, Coroutine
from dataclasses import dataclass
from typing import Any

import discord

from wompbot_cogs.flow import MessageFlow
from wompcore.consent import Gate
from wompcore.events import ReactionChanged

ReactionHandler = Callable[[ReactionChanged, discord.PartialMessage], Coroutine[Any, Any, None] | None]


@dataclass(frozen=True, slots=True, eq=False)
class ReactionWatch:
    """A plugin's interest in reactions: some emoji anywhere, any emoji below some messages.

    Args:
        handle: Called for a reaction of interest; what it returns is awaited in a task of the plugin's
            scope.
        start: Starts that task.
        failed: Told what went wrong in the plugin.
        emoji: Names of emoji; an empty one stands for all of a message's reactions being cleared.
            ``None``: every emoji.
        messages: Ids of messages below which every emoji is of interest; asked anew for each reaction.
            ``None``: there are none.
    """

    handle: ReactionHandler
    start: Callable[[Coroutine[Any, Any, None]], None]
    failed: Callable[[BaseException], None]
    emoji: frozenset[str] | None
    messages: Container[int] | None

    def below(self, name: str | None) -> Container[int] | None:
        """Return the messages below which an emoji is of interest; ``None`` stands for one nobody named."""
        anywhere = self.emoji is None or name in self.emoji
        return _EVERY if anywhere else self.messages


class _Every(Container[int]):
    def __contains__(self, id_: object) -> bool:
        return True


_EVERY = _Every()
_Interested = tuple[tuple[Container[int], ReactionWatch], ...]


class ReactionFlow:
    """Hands reactions to the plugins that want them.

    Who is interested in an emoji is worked out when a plugin comes or goes. A reaction then costs one look-up
    by its emoji, and one by its message for each plugin that follows messages.

    Left out are the bot's own, those of people who withdrew, and those in excluded channels.

    Args:
        gate: Whose reactions may be looked at.
        flow: Knows the bot and the excluded channels.

    Attributes:
        message_at: Returns a message by the ids of its channel, its guild and its own.
    """

    def __init__(self, gate: Gate, flow: MessageFlow) -> None:
        self._gate = gate
        self._flow = flow
        self._watches: tuple[ReactionWatch, ...] = ()
        self._by_emoji: dict[str | None, _Interested] = {}
        self._otherwise: _Interested = ()
        self.message_at: Callable[[int, int | None, int], discord.PartialMessage]

    def changed(self, event: discord.RawReactionActionEvent) -> None:
        """Take in a reaction that was added or taken back."""
        message_id = event.message_id
        for messages, watch in self._by_emoji.get(event.emoji.name, self._otherwise):
            try:
                if message_id in messages:
                    self._hand_on(watch, event)
            except BaseException as error:  # exits, too: nothing of ours is awaited here
                watch.failed(error)

    def cleared(self, event: discord.RawReactionClearEvent | discord.RawReactionClearEmojiEvent) -> None:
        """Take in that a moderator cleared all reactions of a message, or those with one emoji."""
        emoji = getattr(event, "emoji", "")
        name = getattr(emoji, "name", "") or ""
        reaction = ReactionChanged(
            event.message_id, event.channel_id, event.guild_id, str(emoji), name, "cleared"
        )
        for messages, watch in self._by_emoji.get(name, self._otherwise):
            try:
                if reaction.message_id in messages:
                    self._start(watch, reaction)
            except BaseException as error:  # exits, too: nothing of ours is awaited here
                watch.failed(error)

    def watch(self, watch: ReactionWatch) -> Callable[[], None]:
        """Add a plugin's interest; returns what ends it."""
        self._interest((*self._watches, watch))
        return lambda: self._interest(tuple(other for other in self._watches if other is not watch))

    def _interest(self, watches: tuple[ReactionWatch, ...]) -> None:
        """Work out who is interested in what."""

        def interested(name: str | None) -> _Interested:
            pairs = ((watch.below(name), watch) for watch in watches)
            return tuple((messages, watch) for messages, watch in pairs if messages is not None)

        self._watches = watches
        names = {name for watch in watches for name in watch.emoji or ()}
        self._by_emoji = {name: interested(name) for name in names}
        self._otherwise = interested(None)

    def _hand_on(self, watch: ReactionWatch, event: discord.RawReactionActionEvent) -> None:
        person_id = event.user_id
        if person_id == self._flow.own_id or not self._gate.allows(person_id):
            return
        reaction = ReactionChanged(
            event.message_id,
            event.channel_id,
            event.guild_id,
            str(event.emoji),
            event.emoji.name or "",
            "added" if event.event_type == "REACTION_ADD" else "removed",
            person_id,
            event.member is not None and event.member.bot,
        )
        self._start(watch, reaction)

    def _start(self, watch: ReactionWatch, reaction: ReactionChanged) -> None:
        message = self.message_at(reaction.channel_id, reaction.guild_id, reaction.message_id)
        if self._flow.excludes(message.channel):
            return
        if (work := watch.handle(reaction, message)) is not None:
            watch.start(work)
