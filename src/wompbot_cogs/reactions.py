"""A reaction's way through the bot. One that nobody watches costs a few look-ups in memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import discord

from wompbot_cogs.flow import MessageFlow
from wompcore.consent import Gate
from wompcore.events import ReactionChanged

ReactionMatcher = Callable[[int, str, int], bool]
ReactionHandler = Callable[[ReactionChanged, discord.PartialMessage], Coroutine[Any, Any, None] | None]


@dataclass(frozen=True, slots=True, eq=False)
class ReactionWatch:
    """A plugin's interest in reactions.

    Args:
        matches: Called with the message's id, the emoji or a custom one's name (empty when all of the
            message were cleared) and who reacted (0 when they were cleared). Pure and quick.
        handle: Called for a reaction that matched; what it returns is awaited in a task of the plugin's
            scope.
        start: Starts that task.
        failed: Told what either raised.
    """

    matches: ReactionMatcher
    handle: ReactionHandler
    start: Callable[[Coroutine[Any, Any, None]], None]
    failed: Callable[[BaseException], None]


class ReactionFlow:
    """Hands reactions to the plugins that want them.

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
        self.message_at: Callable[[int, int | None, int], discord.PartialMessage]

    def changed(self, event: discord.RawReactionActionEvent) -> None:
        """Take in a reaction that was added or taken back."""
        message_id, name, person_id = event.message_id, event.emoji.name or "", event.user_id
        for watch in self._watches:
            try:
                if watch.matches(message_id, name, person_id):
                    self._hand_on(watch, event)
            except Exception as error:
                watch.failed(error)

    def cleared(self, event: discord.RawReactionClearEvent | discord.RawReactionClearEmojiEvent) -> None:
        """Take in that a moderator cleared all reactions of a message, or those with one emoji."""
        emoji = getattr(event, "emoji", "")
        name = getattr(emoji, "name", "") or ""
        reaction = ReactionChanged(
            event.message_id, event.channel_id, event.guild_id, str(emoji), name, "cleared"
        )
        for watch in self._watches:
            try:
                if watch.matches(reaction.message_id, name, 0):
                    self._start(watch, reaction)
            except Exception as error:
                watch.failed(error)

    def watch(self, watch: ReactionWatch) -> Callable[[], None]:
        """Add a plugin's interest; returns what ends it."""
        self._watches = (*self._watches, watch)

        def end() -> None:
            self._watches = tuple(other for other in self._watches if other is not watch)

        return end

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
