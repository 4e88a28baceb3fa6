"""Keep the bot connected: log in once, then connect again and again until told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import discord

from wompbot_cogs import _dpy
from wompbot_cogs.account import privileged_intents
from wompbot_cogs.errors import DiscordUnavailable, IntentsRefused, TokenRefused
from wompbot_cogs.gateway import ReconnectableBot
from wompbot_cogs.settings import DiscordSettings
from wompcore.errors import WompError

_log = logging.getLogger(__name__)

_GAP_RETRY_S = 60.0
_SPARE_STARTS = 20
"""Sessions a day left unused: Discord resets the token of a bot that starts more than it may."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next connection.

    Args:
        first_s: Seconds after the first failure; doubled with each one that follows.
        most_s: Seconds at most.
        good_s: Seconds a connection must have lasted for the count to start anew.
    """

    first_s: float = 1.0
    most_s: float = 60.0
    good_s: float = 300.0

    def pause_s(self, failures: int, jitter: float) -> float:
        """Return the seconds to wait after so many failures in a row.

        Args:
            failures: 1 or more.
            jitter: 0 to 1; adds up to half, so that bots which lost one server do not return as one.
        """
        doubled = self.first_s * 2.0 ** min(failures - 1, 30)
        return min(self.most_s, doubled * (1 + jitter / 2))


def tune_interpreter() -> None:
    """Let nothing but its own work hold the event loop up: neither garbage collection nor threads.

    What is imported by now stays, and no collection looks at it again, so each takes a tenth. Work in
    threads, such as the import of a plugin, lets the loop run after half a millisecond instead of five.
    """
    gc.freeze()
    sys.setswitchinterval(0.0005)


async def run(bot: ReconnectableBot, settings: DiscordSettings, *, backoff: Backoff | None = None) -> None:
    """Log the bot in and keep it connected until SIGTERM or SIGINT.

    The bot's services stay open meanwhile and afterwards, so that replies in progress can end.

    Args:
        bot: The bot, not logged in yet; its services are open.
        settings: Its token and gateway. The API root is set by :func:`wompbot_cogs._dpy.pointed_at`.
        backoff: Pauses between connections.

    Raises:
        DiscordUnavailable: Nobody answers at login; a connection lost later is made again.
        TokenRefused: Discord does not accept the token, or no longer.
        IntentsRefused: A privileged intent is off in the developer portal.
    """
    connected = asyncio.create_task(Supervisor(bot, settings, backoff or Backoff()).run())
    with _stop_signals(connected.cancel):
        try:
            await connected
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise  # the caller gave up; a signal only ends the connection


class Supervisor:
    """Connects a bot whenever it is not connected, and fills the gap after each new session.

    Args:
        bot: The bot, not logged in yet.
        settings: Its token and gateway.
        backoff: Pauses between connections.
    """

    def __init__(self, bot: ReconnectableBot, settings: DiscordSettings, backoff: Backoff) -> None:
        self._bot = bot
        self._settings = settings
        self._backoff = backoff
        self._began_at: dict[int, datetime] = {}
        self._ready: asyncio.Queue[datetime] = asyncio.Queue()

    async def run(self) -> None:
        """Run until the bot is closed; raises what no other connection can cure."""
        await self._log_in()
        # A shard that starts a new session says so; `ready` comes only once, when all have.
        self._bot.add_listener(self._session_began, "on_shard_connect")
        self._bot.add_listener(self._session_ready, "on_shard_ready")
        filling = asyncio.create_task(self._fill_gaps())
        try:
            await self._stay_connected()
        finally:
            self._bot.remove_listener(self._session_began, "on_shard_connect")
            self._bot.remove_listener(self._session_ready, "on_shard_ready")
            filling.cancel()
            await asyncio.wait([filling])

    async def _log_in(self) -> None:
        try:
            await self._bot.login(self._settings.token.get_secret_value())
        except discord.LoginFailure as error:
            raise TokenRefused() from error
        except (discord.HTTPException, OSError) as error:
            raise DiscordUnavailable(f"{self._settings.api_base} cannot be reached") from error

    async def _stay_connected(self) -> None:
        failures = 0
        while not self._bot.is_closed():
            began_at = time.monotonic()
            try:
                await self._connect()
            except Exception as error:
                if (cause := incurable(error, self._settings)) is not None:
                    raise cause from error
                failures = 1 if time.monotonic() - began_at > self._backoff.good_s else failures + 1
                pause_s = self._backoff.pause_s(failures, random.random())
                _log.warning("gateway lost (%s); connecting again in %.1f s", _named(error), pause_s)
                _log.debug("what ended the connection", exc_info=error)
                await asyncio.sleep(pause_s)

    async def _connect(self) -> None:
        gateway = await _dpy.ask_gateway(self._bot)
        if gateway.starts_left < gateway.shards + _SPARE_STARTS:
            _log.warning("too many sessions today; the next one starts in %.0f s", gateway.reset_after_s)
            await asyncio.sleep(gateway.reset_after_s)
        _dpy.use_gateway(self._bot, self._settings.gateway_url or gateway.url, gateway.shards)
        await self._bot.connect()

    async def _session_began(self, shard_id: int) -> None:
        self._began_at[shard_id] = discord.utils.utcnow()

    async def _session_ready(self, shard_id: int) -> None:
        if (began_at := self._began_at.pop(shard_id, None)) is not None:
            self._ready.put_nowait(began_at)

    async def _fill_gaps(self) -> None:
        while True:
            began_at = await self._ready.get()
            try:
                await self._bot.fill_gaps(began_at)
            except Exception as error:
                _log.warning("gaps not filled (%s); trying again in %.0f s", _named(error), _GAP_RETRY_S)
                await asyncio.sleep(_GAP_RETRY_S)
                self._ready.put_nowait(began_at)


def incurable(error: Exception, settings: DiscordSettings) -> WompError | None:
    """Return what to tell the operator when an ended connection cannot be cured by another one."""
    match error:
        case discord.PrivilegedIntentsRequired():
            return IntentsRefused(privileged_intents(settings))
        case discord.ConnectionClosed(code=4004):
            return TokenRefused()
        case discord.GatewayNotFound(__cause__=discord.HTTPException(status=401)):
            return TokenRefused()
    return None


def _named(error: Exception) -> str:
    """Return what a log line may say of an error: other errors than these may quote a message."""
    known = isinstance(error, discord.DiscordException | WompError | OSError)
    return f"{type(error).__name__}: {error}" if known else type(error).__name__


@contextmanager
def _stop_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call ``stop`` at the first SIGTERM or SIGINT; a second one ends the process at once."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)

    def restore() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    def stop_once() -> None:
        restore()
        stop()

    try:
        for number in signals:
            loop.add_signal_handler(number, stop_once)
    except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt
        yield
        return
    try:
        yield
    finally:
        restore()
