"""Messages, as a plugin sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import discord
from discord import app_commands

from wompbot_cogs.flow import Handler, Matcher, MessageFlow, Watch
from wompbot_cogs.manifest import Manifest
from wompbot_cogs.reactions import ReactionFlow, ReactionHandler, ReactionWatch
from wompbot_cogs.scope import Scope
from wompcore.core import Core
from wompcore.errors import DatabaseUnavailable
from wompcore.events import ChatMessage, MessageEdited
from wompcore.repos.reply_context import Line, ReplyContext

T = TypeVar("T")
Menu = Callable[[discord.Interaction[Any], discord.Message], Coroutine[Any, Any, None]]

_WHILE_AWAY_S = (0.2, 0.5, 1.0, 2.0, 3.0, 3.0)
"""Pauses between tries to read while the database is away: an answer may come late, not never."""


class PluginMessages:
    """Messages as they come, and those that were kept.

    Args:
        flow: Takes messages in.
        reactions: Takes reactions in.
        tree: Offers commands.
        core: The open library.
        scope: Owns what the plugin starts.
        manifest: What the plugin asks for; what people write is told only if it asks for that.
    """

    def __init__(
        self,
        flow: MessageFlow,
        reactions: ReactionFlow,
        tree: app_commands.CommandTree[Any],
        core: Core,
        scope: Scope,
        manifest: Manifest,
    ) -> None:
        self._flow = flow
        self._reactions = reactions
        self._tree = tree
        self._core = core
        self._scope = scope
        self._manifest = manifest

    @property
    def request_of(self) -> Callable[[str], str]:
        """Removes what addresses the bot from a text."""
        return self._flow.address.strip

    def watch(self, matches: Matcher, handle: Handler) -> None:
        """See messages from the moment the plugin goes live.

        Args:
            matches: Called for every message; must be pure, quick and synchronous.
            handle: Awaited in a task of the plugin for each message that matched.

        Raises:
            NotGranted: The manifest does not ask for message content.
        """
        self._manifest.require_content("messages.watch")
        watch = Watch(self._manifest.id, matches, handle, self._scope.start, self._scope.report)
        self._scope.on_live(lambda: self._flow.watch(watch))

    def watch_changes(
        self, edited: Callable[[MessageEdited], None], deleted: Callable[[Iterable[int]], None]
    ) -> None:
        """See every edit and deletion; both callbacks are synchronous and quick.

        Raises:
            NotGranted: The manifest does not ask for message content.
        """
        self._manifest.require_content("messages.watch_changes")
        edited, deleted = self._scope.reporting(edited), self._scope.reporting(deleted)
        self._scope.on_live(lambda: self._flow.watch_changes(edited, deleted))

    def watch_reactions(
        self,
        handle: ReactionHandler,
        *,
        emoji: str | Iterable[str] | None = None,
        messages: Container[int] | None = None,
    ) -> None:
        """See reactions, from the moment the plugin goes live, that are added, taken back or cleared.

        Say what is of interest, and any other reaction costs nothing, or a look-up in ``messages``. The
        bot's own, those of people who withdrew and those in excluded channels are left out.

        Args:
            handle: Called at once for each of interest, with the message, which may be fetched. A
                coroutine that it returns is awaited in a task of the plugin; it may be one itself.
            emoji: Those of interest below any message, as written, a custom one by its name; an empty
                name stands for all reactions of a message being cleared. Every one when left out.
            messages: Ids of messages of which every reaction is of interest as well. Asked anew each
                time, so a set that changes will do.
        """
        names = None if emoji is None else frozenset([emoji] if isinstance(emoji, str) else emoji)
        watch = ReactionWatch(handle, self._scope.start, self._scope.report, names, messages)
        self._scope.on_live(lambda: self._reactions.watch(watch))

    def menu(self, name: str, call: Menu) -> None:
        """Offer a command in the menu of every message of a server, from the moment the plugin goes live.

        Args:
            name: As it is shown.
            call: Awaited with the interaction and the message.
        """

        async def called(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            self._scope.enter()
            await call(interaction, message)

        command = app_commands.ContextMenu(name=name, callback=called)
        command.guild_only = True

        def begin() -> Callable[[], None]:
            self._tree.add_command(command)
            return end

        def end() -> None:
            self._tree.remove_command(name, type=command.type)

        self._scope.on_live(begin)

    def read(self, source: discord.Message) -> ChatMessage:
        """Return a message of Discord's as plugins see it, with the consent gate's answer.

        A plugin that does not ask for message content is told no text.
        """
        message = self._flow.read(source)
        if not self._manifest.message_content:
            message.text = ""
        message.allowed = message.allowed and not self._flow.excludes(source.channel)
        return message

    def at(self, message: ChatMessage) -> discord.PartialMessage:
        """Return a message of Discord's that can be answered, reacted to and fetched."""
        return self._reactions.message_at(message.channel_id, message.guild_id, message.id)

    @property
    def own_id(self) -> int:
        """The bot's user id."""
        return self._flow.own_id

    @property
    def own_name(self) -> str:
        """The name the bot answers to."""
        return self._flow.address.name

    def keep_own(self, answer: ChatMessage, channel: discord.abc.Snowflake, *, to: int) -> None:
        """Keep an answer of the bot, in its final form.

        Not in an excluded channel, and not an answer to somebody who withdrew: it may repeat them.

        Args:
            answer: What the bot said.
            channel: Where.
            to: Id of the person who is answered.
        """
        if not self._flow.excludes(channel) and not self._core.consent.refuses(to):
            self._core.messages.add(answer)

    async def context(self, *, channel_id: int, message_id: int, since_id: int, limit: int) -> ReplyContext:
        """Return what a reply needs to know, in one round trip.

        Messages that were said a moment ago and are not written yet are part of it.

        Args:
            channel_id: Where the answer goes.
            message_id: The message to answer; itself not part of the history.
            since_id: A snowflake; history starts there.
            limit: Messages of history at most.

        Raises:
            NotGranted: The manifest does not ask for message content.
            DatabaseUnavailable: The database is away, and did not come back within some seconds.
        """
        self._manifest.require_content("messages.context")
        recent = [
            Line(message.id, message.author_id, message.author_name, message.text, message.is_bot)
            for message in self._core.messages.unwritten(channel_id)
            if message.id < message_id and message.text and self._core.consent.allows(message.author_id)
        ]
        read = partial(
            self._core.repos.contexts.read,
            channel_id=channel_id,
            message_id=message_id,
            since_id=since_id,
            limit=limit,
        )
        context = await _patiently(read)
        lines = {line.id: line for line in (*context.history, *recent)}
        history = tuple(lines[line_id] for line_id in sorted(lines))[-limit:]
        return replace(context, history=history)


async def _patiently(read: Callable[[], Awaitable[T]]) -> T:
    for pause_s in _WHILE_AWAY_S:
        try:
            return await read()
        except DatabaseUnavailable:
            await asyncio.sleep(pause_s)
    return await read()
