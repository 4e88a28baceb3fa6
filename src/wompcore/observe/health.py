"""What a process tells over HTTP: numbers at ``/metrics``, and whether it is well at ``/healthz``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import web

from wompcore.errors import WompError
from wompcore.observe.serving import serving

if TYPE_CHECKING:
    from wompcore.observe.prometheus import PrometheusMeter

Look: TypeAlias = Callable[[], Awaitable[str]]
"""Looks at a part; returns what is wrong with it in one line, nothing when it is well."""

Notes: TypeAlias = Callable[[], Mapping[str, Any]]
"""Tells more, as JSON, that makes the process neither well nor ill."""

_LOOK_WITHIN_S = 3.0
_log = logging.getLogger(__name__)


@asynccontextmanager
async def health_server(
    host: str, port: int, *, meter: PrometheusMeter, looks: Mapping[str, Look], notes: Notes = dict
) -> AsyncIterator[str]:
    """Serve both pages; yield the server's origin.

    ``/healthz`` is JSON: ``ok``, each part with ``ok`` or what is wrong with it, and the notes. Its status
    is 503 when any part is not well.

    Args:
        host: Where to listen.
        port: The port; 0 for any free one.
        meter: Whose numbers are shown.
        looks: How to look at each part; all at once, each within 3 seconds.
        notes: What else is told.

    Raises:
        PortTaken: Nothing can listen there.
    """

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=meter.page(), headers={"Content-Type": meter.content_type})

    async def healthz(_: web.Request) -> web.Response:
        found = dict(zip(looks, await asyncio.gather(*map(_said, looks.values())), strict=True))
        well = not any(found.values())
        parts = {part: problem or "ok" for part, problem in found.items()}
        return web.json_response({"ok": well, **parts, **notes()}, status=200 if well else 503)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz)])
    async with serving(app, host, port) as origin:
        yield origin


async def _said(look: Look, within_s: float = _LOOK_WITHIN_S) -> str:
    try:
        async with asyncio.timeout(within_s):
            return await look()
    except WompError as error:
        return error.message
    except TimeoutError:
        return f"no answer within {within_s:g} s"
    except Exception as error:
        _log.exception("a look at the bot's health failed")
        return f"unexpected {type(error).__name__}"
