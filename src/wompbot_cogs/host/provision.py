"""What a version of a plugin is given before its code runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from wompbot_cogs.errors import ConsentAwaited, PluginError
from wompbot_cogs.host.discovery import Found
from wompbot_cogs.host.own_data import OwnData
from wompbot_cogs.host.own_settings import read_settings
from wompbot_cogs.host.switch import AnyBot
from wompbot_cogs.manifest import OWNER_GRANTED, Manifest
from wompbot_cogs.overrides import Overrides
from wompbot_cogs.scope import Scope
from wompcore.db import Database
from wompcore.errors import DatabaseError
from wompcore.repos.holders import HolderRepository
from wompcore.repos.plugins import PluginWish

Offer = Callable[[Manifest, Scope], Mapping[str, Any]]
"""Makes the services that a plugin may be given, by capability."""

CONTENT_EVENTS = frozenset(
    {
        "on_bulk_message_delete",
        "on_message",
        "on_message_delete",
        "on_message_edit",
        "on_raw_bulk_message_delete",
        "on_raw_message_delete",
        "on_raw_message_edit",
        "on_reaction_add",
        "on_reaction_clear",
        "on_reaction_clear_emoji",
        "on_reaction_remove",
    }
)
"""Events of discord.py that bring messages with their text, from its cache or from Discord."""

PluginValues = Callable[[], Mapping[str, Mapping[str, Any]]]
"""Reads what the operator set for plugins, by id."""


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a version is given.

    Args:
        given: By capability.
        contract: Finishes its migrations, once no process runs the version before.
    """

    given: Mapping[str, Any]
    contract: Callable[[], Awaitable[list[str]]]


class Provision:
    """Gives plugins what they ask for and may have.

    Args:
        offer: Makes services.
        values: Reads what was set for plugins; asked anew for each version.
        db: Holds their schemas.
        holders: The catalogue of personal data.
    """

    def __init__(self, offer: Offer, values: PluginValues, db: Database, holders: HolderRepository) -> None:
        self._offer = offer
        self._values = values
        self._db = db
        self._holders = holders

    async def outfit(self, found: Found, scope: Scope) -> Outfit:
        """Return what a plugin gets; its package is imported, and nothing else of it has run.

        Args:
            found: The plugin.
            scope: Owns what it acquires.

        Raises:
            PluginError: Its settings, its migrations or its declarations are wrong.
        """
        assert found.manifest is not None  # it is staged only then
        values = self._values().get(found.id, {})
        given: dict[str, Any] = dict(self._offer(found.manifest, scope))
        given["settings"] = settings = read_settings(found, values)
        if settings is not None:
            given["overrides"] = overrides = Overrides(found.id, settings, given["decisions"])
            if overrides.fields:
                scope.on_live(partial(given["decisions"].offer, found.id, overrides))
        data = OwnData.of(self._db, found)
        if "db" in found.manifest.needs:
            try:
                given["db"] = await data.expand(self._holders)
            except DatabaseError as error:
                raise PluginError(found.id, error.message, hint=error.hint) from error
        return Outfit(given, data.contract)


def consented(wish: PluginWish, found: Found) -> tuple[str, ...]:
    """Return what a plugin may have: what was granted and, before it ever ran, what needs no owner.

    Args:
        wish: What was decided about it.
        found: The plugin.

    Raises:
        ConsentAwaited: It asks for more.
    """
    if found.built_in or found.manifest is None:
        return wish.granted
    asks = found.manifest.asks
    granted = {*wish.granted, *(() if wish.version else asks - OWNER_GRANTED)}
    if awaited := asks - granted:
        raise ConsentAwaited(found.id, tuple(sorted(awaited)))
    return tuple(sorted(granted))


def check_event(manifest: Manifest, event: str) -> None:
    """Refuse a listener to an event that tells what people write, unless the manifest asks for that.

    Raises:
        NotGranted: It does not.
    """
    if event in CONTENT_EVENTS:
        manifest.require_content(f"the event {event}")


def check_intents(found: Found, bot: AnyBot) -> None:
    """Refuse a plugin that cannot do without an intent the bot does not have.

    Raises:
        PluginError: Names the intents.
    """
    wanted: Collection[str] = found.manifest.intents if found.manifest else ()
    off = sorted(name for name in wanted if not getattr(bot.intents, name))
    if off:
        hint = "Set discord.message_content or discord.members; the bot asks Discord for no other."
        raise PluginError(found.id, f"cannot do without the intents {', '.join(off)}", hint=hint)
