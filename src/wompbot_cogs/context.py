"""What a plugin may touch: one narrow object per capability its manifest asks for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

import discord

from wompbot_cogs.errors import NotGranted
from wompbot_cogs.flow import Handler, Matcher, MessageFlow, Watch
from wompbot_cogs.guilds import Guilds
from wompbot_cogs.manifest import Manifest
from wompbot_cogs.permissions import Permissions
from wompbot_cogs.scope import Scope
from wompbot_cogs.states import PluginHost
from wompcore.claims import ClaimWatcher
from wompcore.consent import Gate
from wompcore.core import Core, Limits
from wompcore.costs import CostReport
from wompcore.errors import DatabaseUnavailable
from wompcore.events import ChatMessage, MessageEdited
from wompcore.jobs import Outbox
from wompcore.llm import ChatClient, ChatRequest, Reply
from wompcore.repos.reply_context import Line, ReplyContext
from wompcore.search import Found, WebSearch
from wompcore.usage import Attribution

T = TypeVar("T")

_WHILE_AWAY_S = (0.2, 0.5, 1.0, 2.0, 3.0, 3.0)
"""Pauses between tries to read while the database is away: an answer may come late, not never."""


class PluginModel:
    """The model, with every call attributed to the plugin.

    Args:
        client: The one client.
        plugin: The plugin's id.
    """

    def __init__(self, client: ChatClient, plugin: str) -> None:
        self._client = client
        self._plugin = plugin

    async def complete(self, request: ChatRequest) -> Reply:
        """Send a request; see :meth:`wompcore.llm.ChatClient.complete`."""
        attribution = replace(request.attribution, plugin=self._plugin)
        return await self._client.complete(replace(request, attribution=attribution))


class PluginSearch:
    """Web search, with every search attributed to the plugin.

    Args:
        search: The one way to search.
        plugin: The plugin's id.
    """

    def __init__(self, search: WebSearch, plugin: str) -> None:
        self._search = search
        self._plugin = plugin

    @property
    def available(self) -> bool:
        """Whether a search service is set up."""
        return self._search.available

    async def find(self, query: str, attribution: Attribution) -> Found:
        """Search; see :meth:`wompcore.search.WebSearch.find`."""
        return await self._search.find(query, replace(attribution, plugin=self._plugin))


class PluginMessages:
    """Messages as they come, and those that were kept.

    Args:
        flow: Takes messages in.
        core: The open library.
        scope: Owns what the plugin starts.
        plugin: The plugin's id.
    """

    def __init__(self, flow: MessageFlow, core: Core, scope: Scope, plugin: str) -> None:
        self._flow = flow
        self._core = core
        self._scope = scope
        self._plugin = plugin

    @property
    def request_of(self) -> Callable[[str], str]:
        """Removes what addresses the bot from a text."""
        return self._flow.address.strip

    def watch(self, matches: Matcher, handle: Handler) -> None:
        """See messages from the moment the plugin goes live.

        Args:
            matches: Called for every message; must be pure, quick and synchronous.
            handle: Awaited in a task of the plugin for each message that matched.
        """
        watch = Watch(self._plugin, matches, handle, self._scope.start)
        self._scope.on_live(lambda: self._flow.watch(watch))

    def watch_changes(
        self, edited: Callable[[MessageEdited], None], deleted: Callable[[Iterable[int]], None]
    ) -> None:
        """See every edit and deletion; both callbacks are synchronous and quick."""
        self._scope.on_live(lambda: self._flow.watch_changes(edited, deleted))

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
            DatabaseUnavailable: The database is away, and did not come back within some seconds.
        """
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


class Context:
    """A plugin's view of the house.

    Args:
        manifest: What the plugin asked for.
        scope: Owns everything the plugin acquires.
        capabilities: What can be handed out, by name.
    """

    def __init__(self, manifest: Manifest, scope: Scope, capabilities: Mapping[str, Any]) -> None:
        self.manifest = manifest
        self.log = logging.getLogger(f"wompbot.plugin.{manifest.id}")
        self._scope = scope
        self._capabilities = capabilities

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background; it is cancelled when the plugin is unloaded."""
        self._scope.spawn(work)

    def on_close(self, undo: Callable[[], None]) -> None:
        """Call back when the plugin is unloaded; the newest first."""
        self._scope.on_close(undo)

    @property
    def llm(self) -> PluginModel:
        """The model."""
        return self._get("llm", PluginModel)

    @property
    def messages(self) -> PluginMessages:
        """Messages as they come, and those that were kept."""
        return self._get("messages", PluginMessages)

    @property
    def consent(self) -> Gate:
        """May we keep what a person writes?"""
        return self._get("consent", Gate)

    @property
    def limits(self) -> Limits:
        """Slots and cooldowns."""
        return self._get("limits", Limits)

    @property
    def claims(self) -> ClaimWatcher:
        """Claims that people made."""
        return self._get("claims", ClaimWatcher)

    @property
    def costs(self) -> CostReport:
        """What was spent, on whoever it was; only the owner gives it."""
        return self._get("costs", CostReport)

    @property
    def guilds(self) -> Guilds:
        """What each guild decided."""
        return self._get("guilds", Guilds)

    @property
    def permissions(self) -> Permissions:
        """Who may do what."""
        return self._get("permissions", Permissions)

    @property
    def notify(self) -> Outbox:
        """Messages that must arrive once."""
        return self._get("notify", Outbox)

    @property
    def plugins(self) -> PluginHost:
        """The plugin host; for the owner's own tools."""
        return cast(PluginHost, self._get("plugins", object))

    @property
    def search(self) -> PluginSearch:
        """Web search."""
        return self._get("search", PluginSearch)

    def _get(self, capability: str, kind: type[T]) -> T:
        if capability not in self.manifest.needs:
            raise NotGranted(self.manifest.id, f"'{capability}' is not in its manifest")
        if capability not in self._capabilities:
            hint = f"`!plugins grant {self.manifest.id} {capability}` gives it."
            raise NotGranted(self.manifest.id, f"only the owner gives '{capability}'", hint=hint)
        return cast(T, self._capabilities[capability])
