"""What a plugin may touch: one narrow object per capability its manifest asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar, cast

import discord

from wompbot_cogs.capabilities import (
    PluginCache,
    PluginJobs,
    PluginMemory,
    PluginMessages,
    PluginModel,
    PluginSearch,
)
from wompbot_cogs.errors import NotGranted
from wompbot_cogs.guilds import Guilds
from wompbot_cogs.hooks import PluginHooks
from wompbot_cogs.manifest import FILE_NAME, Manifest
from wompbot_cogs.overrides import Overrides
from wompbot_cogs.permissions import Permissions
from wompbot_cogs.scope import Scope
from wompbot_cogs.states import PluginHost
from wompcore.claims import ClaimWatcher, HotTakes, Quotes
from wompcore.consent import Gate
from wompcore.costs import Books
from wompcore.db import OwnSchema
from wompcore.http import GuardedSession
from wompcore.jobs import Outbox
from wompcore.limits import Limits
from wompcore.privacy import Privacy

T = TypeVar("T")


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

    def add_view(self, view: discord.ui.View) -> None:
        """Answer the buttons of a view from the moment the plugin is live, whoever sent them.

        So they survive a restart and a swap. Every one of them needs a ``custom_id``.

        Args:
            view: One that never times out.

        Raises:
            ValueError: It does, or something in it has no ``custom_id``.
        """
        if not view.is_persistent():
            raise ValueError("a view needs timeout=None, and each of its items a custom_id")

        def begin() -> Callable[[], None]:
            self._capabilities["add_view"](view)
            return view.stop

        self._scope.on_live(begin)

    def add_buttons(self, *kinds: type[discord.ui.DynamicItem[Any]]) -> None:
        """Answer buttons whose id says what they stand for, from the moment the plugin is live.

        So they survive a restart and a swap, as those of :meth:`add_view`.

        Args:
            kinds: Classes with a template for the ids.
        """

        def begin() -> Callable[[], None]:
            self._capabilities["add_buttons"](*kinds)
            return lambda: None  # they go with the plugin

        self._scope.on_live(begin)

    @property
    def settings(self) -> Any:
        """An instance of the settings model that its manifest names.

        Raises:
            NotGranted: The manifest names none.
        """
        if not self.manifest.settings:
            hint = f"Name a pydantic model in `settings` of its {FILE_NAME}."
            raise NotGranted(self.manifest.id, "has no settings model", hint=hint)
        return self._capabilities["settings"]

    def settings_of(self, guild_id: int | None) -> Any:
        """Return the settings as they are in a guild, which may have decided those marked ``PER_GUILD``.

        What a guild decides counts at once, in every process. Ask each time.

        Args:
            guild_id: The guild; ``None`` for direct messages, which have the operator's.

        Raises:
            NotGranted: The manifest names no settings model.
        """
        _ = self.settings  # refused without a model
        overrides: Overrides = self._capabilities["overrides"]
        return overrides.of(guild_id)

    @property
    def db(self) -> OwnSchema:
        """The plugin's own schema."""
        return self._get("db", OwnSchema)

    @property
    def http(self) -> GuardedSession:
        """Requests to public addresses."""
        return self._get("http", GuardedSession)

    @property
    def cache(self) -> PluginCache:
        """Texts that are kept for a while."""
        return self._get("cache", PluginCache)

    @property
    def jobs(self) -> PluginJobs:
        """Work that survives the process that asked for it."""
        return self._get("jobs", PluginJobs)

    @property
    def memory(self) -> PluginMemory:
        """What was said, found again.

        Raises:
            NotGranted: The manifest does not ask for memory and for message content.
        """
        memory = self._get("memory", PluginMemory)
        self.manifest.require_content("memory")
        return memory

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
    def costs(self) -> Books:
        """What was spent, on whoever it was, and budgets; only the owner gives it."""
        return self._get("costs", Books)

    @property
    def hot_takes(self) -> HotTakes:
        """Claims that a server argues about."""
        return self._get("hot_takes", HotTakes)

    @property
    def quotes(self) -> Quotes:
        """What people want kept of what somebody said."""
        return self._get("quotes", Quotes)

    @property
    def guilds(self) -> Guilds:
        """What each guild decided."""
        return self._get("guilds", Guilds)

    @property
    def hooks(self) -> PluginHooks:
        """What other plugins add to a conversation; only the owner gives it."""
        return self._get("hooks", PluginHooks)

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
    def privacy(self) -> Privacy:
        """Export and erasure of people; only the owner gives it."""
        return self._get("privacy", Privacy)

    @property
    def search(self) -> PluginSearch:
        """Web search."""
        return self._get("search", PluginSearch)

    def _get(self, capability: str, kind: type[T]) -> T:
        if capability not in self.manifest.needs:
            raise NotGranted(self.manifest.id, f"'{capability}' is not in its manifest")
        return cast(T, self._capabilities[capability])
