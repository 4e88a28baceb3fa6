"""Whose a view, a modal or a kind of button is: what somebody does with it is work of that plugin."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import discord
from discord.ui import DynamicItem, Item, LayoutView, Modal, View
from discord.ui.view import ViewStore

from wompbot_cogs import _dpy
from wompbot_cogs.running import Owner, scope_running, without_exit

Failed = Callable[[discord.Interaction[Any], Exception], Awaitable[None]]
Kind = type[DynamicItem[Any]]

_DEFAULT_ON_ERROR = (LayoutView.on_error, Modal.on_error, View.on_error)


class OwnedViews(ViewStore):
    """discord.py's store of views, which lets the plugin that sent a view answer for it.

    Args:
        client: Whose views these are.
        failed: Answers an interaction at which a plugin failed.
        unanswered: Told at once of an interaction that no view, modal or kind of button takes.
    """

    def __init__(
        self, client: discord.Client, failed: Failed, unanswered: Callable[[discord.Interaction[Any]], None]
    ) -> None:
        super().__init__(_dpy.state_of(client))
        self._failed = failed
        self._unanswered = unanswered
        self._owners: dict[Kind, Owner] = {}
        self._calls = 0

    def add_view(self, view: Any, message_id: int | None = None) -> None:
        """Answer what people do with a view; in the name of the plugin that runs, if one does."""
        if (scope := scope_running()) is not None:
            _dpy.lead_calls(view, partial(self._call, scope))
            if type(view).on_error in _DEFAULT_ON_ERROR:
                view.on_error = self._on_error
            self._own(scope, {type(item) for item in view.walk_children() if isinstance(item, DynamicItem)})
        super().add_view(view, message_id)

    def add_dynamic_items(self, *items: Kind) -> None:
        """Answer kinds of buttons; in the name of the plugin that runs, if one does."""
        super().add_dynamic_items(*items)
        if (scope := scope_running()) is not None:
            self._own(scope, set(items))

    def remove_dynamic_items(self, *items: Kind) -> None:
        """Answer kinds of buttons no more; those that took their ids meanwhile stay."""
        super().remove_dynamic_items(*(kind for kind in items if _dpy.takes_its_ids(self, kind)))

    def add_task(self, task: asyncio.Task[None]) -> None:
        """Keep a task that answers an interaction."""
        self._calls += 1
        super().add_task(task)

    def dispatch_view(self, component_type: int, custom_id: str, interaction: Any) -> None:
        """Answer a button or a menu."""
        before = self._calls
        super().dispatch_view(component_type, custom_id, interaction)
        if self._calls == before:
            self._unanswered(interaction)

    def dispatch_modal(self, custom_id: str, interaction: Any, *rest: Any) -> None:
        """Answer a modal."""
        before = self._calls
        super().dispatch_modal(custom_id, interaction, *rest)
        if self._calls == before:
            self._unanswered(interaction)

    async def schedule_dynamic_item_call(
        self,
        component_type: int,
        factory: Any,
        interaction: discord.Interaction[Any],
        custom_id: str,
        match: re.Match[str],
    ) -> None:
        """Answer a button whose kind is known by its id."""
        if (scope := self._owners.get(factory)) is not None:
            scope.enter()
        kind: Any = _Told(factory, self._failed)  # discord.py itself only logs what goes wrong
        await super().schedule_dynamic_item_call(component_type, kind, interaction, custom_id, match)

    def _own(self, scope: Owner, kinds: set[Kind]) -> None:
        for kind in kinds - self._owners.keys():
            self._owners[kind] = scope
            scope.on_close(partial(self._disown, kind))

    def _disown(self, kind: Kind) -> None:
        self._owners.pop(kind, None)
        self.remove_dynamic_items(kind)

    async def _call(self, scope: Owner, work: Callable[..., Awaitable[None]], *args: Any) -> None:
        scope.enter()
        try:
            await without_exit(work(*args))
        except Exception as error:  # of the plugin's own way with errors
            interaction = next(value for value in args if isinstance(value, discord.Interaction))
            await self._failed(interaction, error)

    async def _on_error(self, interaction: discord.Interaction[Any], error: Exception, *_: Any) -> None:
        await self._failed(interaction, error)


class _Told:
    """Stands for a kind of button, and tells what goes wrong with it."""

    def __init__(self, kind: Kind, failed: Failed) -> None:
        self._kind = kind
        self._failed = failed

    async def from_custom_id(
        self, interaction: discord.Interaction[Any], item: Item[Any], match: re.Match[str]
    ) -> Any:
        try:
            made: Any = await without_exit(self._kind.from_custom_id(interaction, item, match))
        except Exception as error:
            await self._failed(interaction, error)
            raise
        made.interaction_check = self._telling(made.interaction_check)
        made.callback = self._telling(made.callback)
        return made

    def _telling(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def told(interaction: discord.Interaction[Any]) -> Any:
            try:
                return await without_exit(call(interaction))
            except Exception as error:
                await self._failed(interaction, error)
                return False  # a check that failed lets nobody through

        return told
