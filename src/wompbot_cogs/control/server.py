"""The owner's socket of a running bot. One request per connection, one line of JSON each way."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from wompbot_cogs.app import App
from wompbot_cogs.control.listing import rows_of
from wompbot_cogs.control.place import make_folder, socket_of_this_process, sockets_of
from wompbot_cogs.control.request import LINE_BYTES, Request
from wompbot_cogs.errors import ControlRefused, ControlUnavailable, PluginUnknown
from wompcore.errors import DatabaseError, WompError
from wompcore.text import clean_name

_log = logging.getLogger(__name__)

_READ_S = 5.0
_AT_ONCE = 8
_HINT = 'The line is JSON such as {"verb": "swap", "plugin": "chat"}.'


class OwnerSocket:
    """Answers requests. What is asked, by whom and how it went is kept on record.

    Args:
        app: Does what is asked, and keeps the record.
        uids: Users of the machine who may ask.
    """

    def __init__(self, app: App, uids: Collection[int]) -> None:
        self._app = app
        self._uids = uids
        self._asked: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End what was asked and is not done."""
        for task in self._asked:
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, whatever comes in."""
        task = asyncio.create_task(
            self._serve(reader, writer, len(self._asked) < _AT_ONCE), name="owner's socket"
        )
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, has_room: bool
    ) -> None:
        try:
            reply = await self._reply(reader, _uid_of(writer.get_extra_info("socket")), has_room)
            writer.write(json.dumps(reply, default=str).encode() + b"\n")
            await writer.drain()
        except ConnectionError as error:
            _log.info("who asked at the owner's socket did not wait for the answer: %s", error)
        finally:
            writer.close()

    async def _reply(
        self, reader: asyncio.StreamReader, uid: int | None, has_room: bool
    ) -> Mapping[str, Any]:
        via = "cli" if uid is None else f"cli uid {uid}"
        try:
            request = await _read(reader)  # first: a socket closed with a line unread loses the answer
            if uid is not None and uid not in self._uids:
                raise ControlRefused("only the user who runs the bot may ask it")
            if not has_room:
                raise ControlRefused("too many requests at once", hint="Try again.")
        except ControlRefused as error:
            await self._note("refused", "", error.message, via)
            return _refusal(error)
        try:
            return {"ok": True, **await self._do(request, via)}
        except WompError as error:
            return _refusal(error)
        except Exception as error:
            _log.exception("the owner's socket could not do: %s %s", request.verb, request.plugin)
            return _refusal(ControlRefused(f"unexpected {type(error).__name__}", hint="The log tells more."))

    async def _do(self, request: Request, via: str) -> Mapping[str, Any]:
        host, plugin = self._app.host, request.plugin
        if request.verb == "list":
            rows = await rows_of(self._app)
            await self._note("list", "", "done", via)
            return {"plugins": [asdict(row) for row in rows], "slash_problem": host.slash_problem()}
        if plugin not in {state.id for state in await host.look()}:
            await self._note(request.verb, plugin, "not installed", via)
            raise PluginUnknown(plugin)
        version = ""
        match request.verb:
            case "load":
                version = (await host.load(plugin, via=via)).version
            case "swap":
                version = (await host.swap(plugin, via=via)).version
            case "release":
                version = (await host.release(plugin, via=via)).version
            case "unload":
                await host.unload(plugin, via=via)
            case "quarantine":
                await host.quarantine(plugin, request.reason or "by hand", via=via)
            case "grant":
                await host.grant(plugin, request.name, via=via)
            case "withdraw":
                await host.withdraw(plugin, request.name, via=via)
        return {"plugin": plugin, "version": version}

    async def _note(self, verb: str, plugin: str, outcome: str, via: str) -> None:
        try:
            await self._app.core.repos.plugins.note(verb, plugin, clean_name(outcome), by_id=None, via=via)
        except DatabaseError as error:
            _log.error("not kept on record: %s %s %s: %s", via, verb, plugin, error)


@asynccontextmanager
async def owner_socket(app: App, *, uids: Collection[int] | None = None) -> AsyncIterator[OwnerSocket]:
    """Listen while the context lasts.

    Args:
        app: The running bot; its settings say where.
        uids: Users of the machine who may ask; the one who runs this process, and root, when left out.

    Raises:
        ControlUnavailable: There is no place for it.
    """
    if sys.platform == "win32":
        raise ControlUnavailable("the owner's socket", "this system has no such sockets")
    path = socket_of_this_process(app.settings)
    make_folder(path.parent)
    for dead in sockets_of(app.settings):
        if dead == path or not _is_alive(dead.stem.rpartition("-")[2]):
            dead.unlink(missing_ok=True)
    answering = OwnerSocket(app, {os.geteuid(), 0} if uids is None else uids)
    try:
        server = await asyncio.start_unix_server(answering.accept, path, limit=LINE_BYTES)
    except OSError as error:
        raise ControlUnavailable(str(path), (error.strerror or str(error)).lower()) from error
    path.chmod(0o600)
    try:
        yield answering
    finally:
        server.close()
        path.unlink(missing_ok=True)
        await answering.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    try:
        async with asyncio.timeout(_READ_S):
            line = await reader.readline()
        if not line.endswith(b"\n"):
            raise ControlRefused("no whole line came", hint=_HINT)
        return Request.model_validate_json(line)
    except TimeoutError as error:
        raise ControlRefused(f"no line came within {_READ_S:g} s", hint=_HINT) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ControlRefused(clean_name(f"{where} {first['msg']}".strip()), hint=_HINT) from error
    except ValueError as error:
        raise ControlRefused(f"the line is longer than {LINE_BYTES} bytes", hint=_HINT) from error


def _refusal(error: WompError) -> Mapping[str, Any]:
    return {"ok": False, "error": error.message, "hint": error.hint}


def _uid_of(peer: socket.socket) -> int | None:
    """Return who is at the other end; ``None`` where the system cannot say, and the folder guards alone."""
    if sys.platform != "linux":
        return None
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)


def _is_alive(pid: str) -> bool:
    if not pid.isdecimal():
        return False
    with suppress(ProcessLookupError, OverflowError):
        os.kill(int(pid), 0)
        return True
    return False
