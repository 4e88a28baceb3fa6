"""A small HTTP server of this process: listening while it is needed, gone afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from wompcore.errors import PortTaken

_STOP_WITHIN_S = 1.0


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application; yield its origin. Who hangs up has their request cancelled.

    Args:
        app: Answers.
        host: Where to listen.
        port: The port; 0 for any free one.

    Raises:
        PortTaken: Nothing can listen there.
    """
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_STOP_WITHIN_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, OverflowError) as error:
            raise PortTaken(host, port, getattr(error, "strerror", None) or str(error)) from error
        at = f"[{host}]" if ":" in host else host
        yield f"http://{at}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
