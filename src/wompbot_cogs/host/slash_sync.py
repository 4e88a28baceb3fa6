"""Registering slash commands with Discord: only what changed, together, and never in a hurry."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

import discord
from discord.ext import commands

from wompcore.errors import WompError
from wompcore.repos.guilds import GuildRepository

_log = logging.getLogger(__name__)

_DELAY_S = 0.05
_FIRST_RETRY_S = 60.0
_LAST_RETRY_S = 3600.0
_KEY = "commands_fingerprint"
_TURN = "commands_turn"
_TURN_S = 0.2
_CALLS = 2.0  # a turn that nobody ended is over after so many times the longest call
_DAILY_LIMIT = 30034  # Source: Discord, "Opcodes and status codes": maximum of daily command creates
_EVERYWHERE = "global"

AnyBot = commands.Bot | commands.AutoShardedBot


def fingerprint(payload: list[dict[str, Any]]) -> str:
    """Return what tells one set of commands from another, whatever their order."""
    ordered = sorted(payload, key=lambda item: (str(item["name"]), int(item.get("type", 1))))
    text = json.dumps(ordered, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def changed(known: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the places whose commands differ from those that were last registered.

    Args:
        known: The fingerprint that was registered, by place: ``global`` or a guild's id.
        now: The fingerprint of what the bot has. A place that is missing has no commands.
    """
    return sorted(place for place in {*known, *now} if known.get(place) != now.get(place))


class SlashSync:
    """Registers the commands of a bot's tree where they changed since they were last registered.

    Args:
        bot: Has the tree.
        guilds: Remembers what was registered.

    Attributes:
        call_s: Seconds a call may take; discord.py waits out a rate limit, however long, and then it is
            tried again later.
        calls: Calls since the start.
        problem: Why commands are not registered; empty when they are.
    """

    call_s = 30.0

    def __init__(self, bot: AnyBot, guilds: GuildRepository) -> None:
        self._bot = bot
        self._guilds = guilds
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._syncing = asyncio.Lock()  # a turn is the whole process's
        self._failures = 0
        self.calls = 0
        self.problem = ""
        self._name = secrets.token_hex(8)

    def soon(self, delay_s: float = _DELAY_S) -> None:
        """Register shortly, once for many changes."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._begin)

    async def close(self) -> None:
        """Register nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sync(self) -> list[str]:
        """Register what changed, with one call for each place, and return the places.

        Raises:
            discord.HTTPException: Discord refused.
            TimeoutError: A rate limit takes longer than it is worth to wait.
            DatabaseError: What was registered is not known.
        """
        async with self._syncing:
            known = await self._known()
            if not changed(known, self._fingerprints(known)):
                return []
            while not await self._guilds.take_turn(_TURN, self._name, _CALLS * self.call_s):  # noqa: ASYNC110 # the
                await asyncio.sleep(_TURN_S)  # other process may be gone; most likely it registers the same
            try:
                return await self._register()
            finally:
                await self._guilds.end_turn(_TURN, self._name)

    async def _register(self) -> list[str]:
        """Register what is still to be registered, in our turn."""
        known = await self._known()
        places = changed(known, now := self._fingerprints(known))
        for place in places:
            guild = None if place == _EVERYWHERE else discord.Object(int(place))
            await self._guilds.take_turn(_TURN, self._name, _CALLS * self.call_s)  # it may take long
            self.calls += 1
            async with asyncio.timeout(self.call_s):
                await self._bot.tree.sync(guild=guild)
            known.pop(place, None)
            known |= {place: now[place]} if place in now else {}
            application = self._bot.application_id or 0
            await self._guilds.set(0, _KEY, {str(application): known}, by_id=application)
        return places

    async def _known(self) -> dict[str, str]:
        """Return what was last registered, by any process."""
        stored = (await self._guilds.settings(0)).get(0, {}).get(_KEY)
        known = stored.get(str(self._bot.application_id), {}) if isinstance(stored, dict) else {}
        return dict(known)

    def _fingerprints(self, known: Mapping[str, str]) -> dict[str, str]:
        """Return what we have, also for guilds that only another process of ours is connected to."""
        tree = self._bot.tree
        payloads = {_EVERYWHERE: [command.to_dict(tree) for command in tree.get_commands()]}
        guilds = {guild.id for guild in self._bot.guilds}
        for guild in guilds | {int(place) for place in known if place != _EVERYWHERE}:
            if own := tree.get_commands(guild=discord.Object(guild)):
                payloads[str(guild)] = [command.to_dict(tree) for command in own]
        return {place: fingerprint(payload) for place, payload in payloads.items()}

    def _begin(self) -> None:
        if self._task is not None and not self._task.done():
            self.soon()  # one at a time: what changed meanwhile follows
            return
        self._task = asyncio.create_task(self._try(), name="slash commands")

    async def _try(self) -> None:
        try:
            await self.sync()
        except Exception as error:  # also what discord.py, or a plugin's command, makes of an odd answer
            self._failures += 1
            self.problem = _words(error)
            expected = isinstance(error, discord.HTTPException | TimeoutError | OSError | WompError)
            _log.error("slash commands are not registered: %s", self.problem, exc_info=not expected)
            if (pause_s := _pause_s(error, self._failures)) is not None:
                self.soon(pause_s)
        else:
            self._failures = 0
            self.problem = ""


def _words(error: Exception) -> str:
    match error:
        case discord.HTTPException(code=code) if code == _DAILY_LIMIT:
            return "Discord takes no more new commands today; those that exist still work"
        case discord.HTTPException(status=429) | TimeoutError():
            return "Discord asks us to wait before commands are registered"
        case discord.HTTPException() | OSError() | WompError():
            return " ".join(str(error).split())[:300]
    return f"Discord's answer is nothing that can be read ({type(error).__name__}); it is asked again later"


def _pause_s(error: Exception, failures: int) -> float | None:
    """Return the seconds until it is tried again; ``None`` when only another change can help."""
    match error:
        case discord.HTTPException(code=code) if code == _DAILY_LIMIT:
            return _LAST_RETRY_S
        case discord.HTTPException(status=status) if 400 <= status < 500 and status != 429:
            return None
    return float(min(_LAST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(failures - 1, 30)))
