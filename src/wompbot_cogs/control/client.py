"""Asking a bot that runs on this machine."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wompbot_cogs.control.place import sockets_of
from wompbot_cogs.control.request import REPLY_BYTES, Request
from wompbot_cogs.errors import ControlRefused
from wompbot_cogs.settings import BotSettings

_ANSWER_S = 150.0
"""Seconds until a bot must have answered: preparing a plugin may take a minute, and wait for another."""


async def ask(settings: BotSettings, request: Request) -> Mapping[str, Any] | None:
    """Ask a process that runs with these settings.

    Args:
        settings: Whose bot.
        request: What.

    Returns:
        Its reply; ``None`` when no such process runs here.

    Raises:
        ControlRefused: It refused, or its reply cannot be read.
        ControlUnavailable: The folder of the sockets is not ours alone.
    """
    for path in sockets_of(settings):
        try:
            async with asyncio.timeout(_ANSWER_S):
                line = await _exchange(path, request)
        except (FileNotFoundError, ConnectionRefusedError):
            continue  # its process is gone
        except TimeoutError as error:
            raise ControlRefused("the bot did not answer", hint="Its log says what it is at.") from error
        except (OSError, ValueError) as error:
            raise ControlRefused(f"the bot ended while it was asked: {error}") from error
        return _read(line)
    return None


async def _exchange(path: Path, request: Request) -> bytes:
    if sys.platform == "win32":
        raise FileNotFoundError(path)  # asyncio has no such sockets there
    reader, writer = await asyncio.open_unix_connection(path, limit=REPLY_BYTES)
    try:
        writer.write(request.model_dump_json(exclude_defaults=True).encode() + b"\n")
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()


def _read(line: bytes) -> Mapping[str, Any]:
    try:
        reply = json.loads(line)
        if reply["ok"]:
            return dict(reply)
        problem, hint = str(reply["error"]), str(reply["hint"])
    except (ValueError, LookupError, TypeError) as error:
        raise ControlRefused("the bot's answer cannot be read", hint="Is it of this version?") from error
    raise ControlRefused(problem, hint=hint)
