"""The connection to Discord's gateway: one that can end and start again while all else stays open."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from discord.ext import commands

from wompbot_cogs import _dpy


class ReconnectableBot(commands.AutoShardedBot):
    """A bot whose :meth:`connect` can be called again after it failed.

    discord.py closes the whole client when one event cannot be read: cogs are removed and the HTTP
    session is shut under replies that are still being sent. Here such an end closes the gateway only.
    """

    _gateway_loop: asyncio.Task[Any] | None = None

    async def connect(self, *, reconnect: bool = True) -> None:
        """Receive events until the connection is lost for good; raises what ended it."""
        self._gateway_loop = asyncio.current_task()
        try:
            await super().connect(reconnect=reconnect)
        finally:
            self._gateway_loop = None
            await _dpy.close_gateway(self)

    async def close(self) -> None:
        """Close the client for ever, unless it is only discord.py's gateway loop that gives up."""
        if self._gateway_loop is None or asyncio.current_task() is not self._gateway_loop:
            await self.finish()
            if _dpy.was_set_up(self):
                await super().close()

    async def finish(self) -> None:
        """End what the bot itself started; called when it closes for ever."""

    async def fill_gaps(self, began_at: datetime) -> int:
        """Fetch what was said before a session began; returns the number of messages taken."""
        return 0
