"""Every private or process-wide name of discord.py and of Python that the bot touches, checked at import."""

from __future__ import annotations

import asyncio
import sys
import typing
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

import yarl
from discord import AutoShardedClient, Client, app_commands, http, utils
from discord.ext import tasks
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route
from discord.shard import Shard
from discord.state import ConnectionState
from discord.ui import DynamicItem
from discord.ui.view import BaseView, ViewStore
from discord.webhook import async_ as webhook_http

_CLOSE_S = 5.0
_VIEW_TIMER = vars(BaseView)["_BaseView__timeout_task_impl"].__code__
_LOOP = vars(tasks.Loop)["_loop"].__code__


@contextmanager
def pointed_at(api_base: str) -> Iterator[None]:
    """Point discord.py at an API root while the context lasts.

    The root is an attribute of a class, so a process talks to one server at a time. Answers count as
    JSON whatever follows the type: discord.py takes ``application/json; charset=utf-8``, which many
    servers send, for text.
    """
    changes = [
        (Route, "BASE", api_base),
        (http, "json_or_text", _json_or_text),
        (webhook_http, "json_or_text", _json_or_text),
        (DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY),  # changed by use_gateway
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    for owner, name, value in changes:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


async def _json_or_text(response: Any) -> Any:
    text = await response.text(encoding="utf-8")
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    return utils._from_json(text) if kind == "application/json" else text


class Gateway(NamedTuple):
    """Where and how to connect, as the API says.

    Args:
        url: The gateway's URL.
        shards: How many shards the bot should have.
        starts_left: Sessions the bot may still start before the count begins anew.
        reset_after_s: Seconds until then.
    """

    url: str
    shards: int
    starts_left: int
    reset_after_s: float


async def ask_gateway(client: AutoShardedClient) -> Gateway:
    """Ask the API for the gateway of a client that is logged in."""
    shards, url, limits = await client.http.get_bot_gateway()
    return Gateway(url, shards, limits["remaining"], limits["reset_after"] / 1000)


def use_gateway(client: AutoShardedClient, url: str, shards: int) -> None:
    """Let the client's next connection, and every new session after it, go to ``url``.

    discord.py asks the API only while ``shard_count`` is unset, and goes to Discord's own gateway
    ever after; so a client of another server must be told each time.
    """
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
    client.shard_count = shards


def was_set_up(client: AutoShardedClient) -> bool:
    """Return whether a login was begun; a client that never came so far cannot be closed."""
    return "_AutoShardedClient__queue" in vars(client)


async def close_gateway(client: AutoShardedClient) -> None:
    """Close a client's shards and forget what they still had to say; HTTP and caches stay open.

    Afterwards :meth:`discord.AutoShardedClient.connect` can be called again.
    """
    state: dict[str, Any] = vars(client)
    shards: dict[int, Shard] = state["_AutoShardedClient__shards"]
    closing = [asyncio.create_task(shard.close()) for shard in shards.values()]
    if closing:
        _, stuck = await asyncio.wait(closing, timeout=_CLOSE_S)
        for task in stuck:
            task.cancel()
    shards.clear()
    state["_AutoShardedClient__queue"] = asyncio.PriorityQueue()
    client._ready.clear()


def feed(client: Client, event: str, payload: dict[str, Any]) -> None:
    """Hand a client an event as its gateway would: parsed, cached and dispatched before this returns.

    Args:
        client: A client that is logged in.
        event: The gateway's name of it, such as ``MESSAGE_CREATE``.
        payload: Its data; the client may keep and change it.
    """
    client._connection.parsers[event](payload)


def is_view_timer(work: Any) -> bool:
    """Return whether a coroutine only waits for a view's time to pass."""
    return _code_of(work) is _VIEW_TIMER


def is_loop(work: Any) -> bool:
    """Return whether a coroutine is that of a :class:`discord.ext.tasks.Loop`."""
    return _code_of(work) is _LOOP


def _code_of(work: Any) -> Any:
    return getattr(work, "cr_code", None)


def stop_views(client: Client, package: str, *, persistent: bool = False) -> None:
    """Stop the views and modals of a package's former classes: their buttons are answered no more.

    Classes of modules that are imported now are those of a version that serves; theirs go on.

    Args:
        client: Where they wait.
        package: The package's full name.
        persistent: Whether to stop only those that never time out.
    """
    store = client._connection._view_store
    items = [item for found in store._views.values() for item in found.values()]
    views = {id(item.view): item.view for item in items if item.view is not None}
    for view in (*views.values(), *store._modals.values()):
        parts = (view, *view.walk_children())
        if any(_is_former(type(part), package) for part in parts) and (
            view.is_persistent() or not persistent
        ):
            view.stop()


def use_views(client: Client, store: ViewStore) -> None:
    """Let a client keep its views in a store of one's own; before it keeps any."""
    client._connection._view_store = store


def state_of(client: Client) -> ConnectionState[Any]:
    """Return what a client knows; its parts are made with it."""
    return client._connection


def lead_calls(view: BaseView, lead: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Let a function make the calls that answer a view or modal; it gets the call, then its arguments."""
    if "_scheduled_task" not in vars(view):  # a view may be sent again
        vars(view)["_scheduled_task"] = partial(lead, view._scheduled_task)


def lead_autocomplete(command: Any, lead: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Let a function make the calls that complete a command's options; it gets call and arguments."""
    if "_invoke_autocomplete" not in vars(command):
        vars(command)["_invoke_autocomplete"] = partial(lead, command._invoke_autocomplete)


def takes_its_ids(store: ViewStore, kind: type[DynamicItem[Any]]) -> bool:
    """Return whether buttons whose ids fit a kind's template are of that kind, and not of a later one."""
    return store._dynamic_items.get(kind.__discord_ui_compiled_template__) is kind


def is_awaited(client: Client, event: str) -> bool:
    """Return whether somebody waits for an event with :meth:`discord.Client.wait_for`."""
    return bool(client._listeners.get(event))


def forget_types() -> None:
    """Empty the caches of ``typing``: they hold former versions of what stood in ``Annotated[...]``."""
    clearings: list[Callable[[], None]] = vars(typing)["_cleanups"]
    for clear in clearings:
        clear()


def _is_former(kind: type, package: str) -> bool:
    """Return whether a class is of a package, and not of its modules as they are imported now."""
    name = kind.__module__
    if name != package and not name.startswith(package + "."):
        return False
    names = vars(sys.modules.get(name, sys))
    functions = [value for value in vars(kind).values() if isinstance(value, FunctionType)]
    return not any(function.__globals__ is names for function in functions)


def _verify() -> None:
    names: list[tuple[Any, str]] = [
        (Route, "BASE"),
        (DiscordWebSocket, "DEFAULT_GATEWAY"),
        (HTTPClient, "get_bot_gateway"),
        (Shard, "close"),
        (Client, "_run_event"),  # overridden in owning.py
        (BaseView, "_scheduled_task"),
        (ViewStore, "schedule_dynamic_item_call"),  # as what follows, overridden in views.py
        (ViewStore, "dispatch_modal"),
        (ViewStore, "dispatch_view"),
        (ViewStore, "add_task"),
        (app_commands.CommandTree, "_call"),
        (app_commands.Command, "_invoke_autocomplete"),
        (utils, "_from_json"),
        (typing, "_cleanups"),
        (http, "json_or_text"),
        (webhook_http, "json_or_text"),
    ]
    missing = [f"{owner.__name__}.{name}" for owner, name in names if not hasattr(owner, name)]
    set_by = {
        "_AutoShardedClient__shards": AutoShardedClient.__init__,
        "_AutoShardedClient__queue": AutoShardedClient._async_setup_hook,
        "_ready": AutoShardedClient.clear,
        "_connection": Client.__init__,
        "parsers": ConnectionState.__init__,
        "_view_store": ConnectionState.clear,
        "_views": ViewStore.__init__,
        "_modals": ViewStore.__init__,
        "_dynamic_items": ViewStore.__init__,
        "_listeners": Client.__init__,
    }
    missing += [name for name, method in set_by.items() if name not in method.__code__.co_names]
    if missing:
        raise ImportError(f"this discord.py has changed {', '.join(missing)}; install discord.py 2.7")


_verify()
