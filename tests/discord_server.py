"""A small Discord-compatible server on loopback: enough REST and gateway for a bot to live on.

It keeps one guild with text channels and their history, and can misbehave on request: refuse the
token, close an IDENTIFY, send an event no client can read, drop connections, forget sessions.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

import discord_payloads as payloads
from discord_payloads import BOT_ID, GUILD_ID, Json
from wompcore.ids import snowflake_at

TOKEN = "token.of.the-bot"
CHANNEL_ID = 800_000_000_000_000_001
MESSAGE_CONTENT = 1 << 19
GUILD_MEMBERS = 1 << 15


class DiscordServer:
    """The server's state, and the levers of a test. Open with :func:`open_discord_server`."""

    def __init__(self) -> None:
        self.api_base = ""
        self.gateway_url = ""
        self.token = TOKEN
        self.flags = MESSAGE_CONTENT | GUILD_MEMBERS
        self.channel_ids = [CHANNEL_ID]
        self.history: dict[int, list[Json]] = {CHANNEL_ID: []}
        self.posted: asyncio.Queue[Json] = asyncio.Queue()
        self.requests: list[str] = []
        self.registered: list[list[Json]] = []
        self.refusals: list[tuple[int, Json]] = []
        self.identified: list[Json] = []
        self.resumed: list[Json] = []
        self.close_identify_with: int | None = None
        self.starts_left = 1000
        self.sessions: set[str] = set()
        self._sockets: dict[web.WebSocketResponse, int] = {}
        self._numbers = count(1)
        self._changed = asyncio.Condition()

    # -- levers ----------------------------------------------------------------------------------

    async def say(self, text: str, *, author: int = 42, name: str = "ann", seen: bool = True) -> int:
        """Post as a member. Unseen: the message is only in the history, no event tells of it."""
        message = self.message(text, CHANNEL_ID, payloads.user(author, name))
        self.history[CHANNEL_ID].append(message)
        if seen:
            await self.dispatch("MESSAGE_CREATE", message)
        return int(message["id"])

    async def dispatch(self, event: str, data: Json) -> None:
        """Send an event over every connection."""
        for socket in list(self._sockets):
            await self._event(socket, event, data)

    async def send_text(self, text: str) -> None:
        """Send a frame as it is over every connection."""
        for socket in list(self._sockets):
            await socket.send_str(text)

    async def drop(self, code: int) -> None:
        """Close every connection."""
        for socket in list(self._sockets):
            await socket.close(code=code)

    async def invalidate_sessions(self) -> None:
        """Forget every session and say so on every connection."""
        self.sessions.clear()
        await self.send_text('{"op": 9, "d": false}')

    async def until(self, identified: int = 0, resumed: int = 0, registered: int = 0) -> None:
        """Wait until sessions were started, sessions resumed and commands registered so many times."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(
                lambda: (
                    len(self.identified) >= identified
                    and len(self.resumed) >= resumed
                    and len(self.registered) >= registered
                )
            )

    async def reply(self) -> str:
        """Return the text of the next message that the bot sends or edits."""
        async with asyncio.timeout(60):
            return str((await self.posted.get())["content"])

    def message(self, text: str, channel_id: int, author: Json) -> Json:
        """Return the payload of a new message."""
        at = datetime.now(UTC)
        return payloads.message(snowflake_at(at, next(self._numbers)), text, channel_id, author, at)

    # -- REST ------------------------------------------------------------------------------------

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(middlewares=[self._authorise])
        api, me = "/api/v10", payloads.BOT
        commands = api + "/applications/{app}{guild:(/guilds/[0-9]+)?}/commands"
        messages = api + "/channels/{channel}/messages"
        routes = [
            web.get(f"{api}/users/@me", _answering(lambda: me)),
            web.get(f"{api}/applications/@me", _answering(lambda: payloads.application(self.flags))),
            web.get(f"{api}/oauth2/applications/@me", _answering(lambda: payloads.application(self.flags))),
            web.get(f"{api}/gateway/bot", _answering(self._gateway)),
            web.get(commands, _answering(lambda: self.registered[-1] if self.registered else [])),
            web.put(commands, self._put_commands),
            web.get(messages, self._list_messages),
            web.post(messages, self._post_message),
            web.patch(messages + "/{message}", self._edit_message),
            web.delete(messages + "/{message}", _nothing),
            web.put(messages + "/{message}/reactions/{emoji}/@me", _nothing),
            web.post(api + "/channels/{channel}/typing", _nothing),
            web.get("/gateway/", self._serve_gateway),
        ]
        app.add_routes(routes)
        return app

    @web.middleware
    async def _authorise(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if request.path != "/gateway/" and request.headers.get("Authorization") != f"Bot {self.token}":
            return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)
        response: web.StreamResponse = await handler(request)
        return response

    def _gateway(self) -> Json:
        limits = {
            "total": 1000,
            "remaining": self.starts_left,
            "reset_after": 100,
            "max_concurrency": 1,
        }
        return {"url": self.gateway_url, "shards": 1, "session_start_limit": limits}

    async def _put_commands(self, request: web.Request) -> web.Response:
        if self.refusals:
            status, body = self.refusals.pop(0)
            return web.json_response(body, status=status, headers={"Via": "1.1 test"})
        registered = {"application_id": str(BOT_ID), "version": "1", "type": 1, "description": ""}
        sent = await request.json()
        commands = [{"id": str(number), **registered, **command} for number, command in enumerate(sent, 1)]
        await self._note(self.registered, commands)
        return web.json_response(commands)

    async def _list_messages(self, request: web.Request) -> web.Response:
        found = self.history[int(request.match_info["channel"])]
        limit = int(request.query.get("limit", 50))
        if (after := request.query.get("after")) is not None:
            found = [message for message in found if int(message["id"]) > int(after)][:limit]
        elif (before := request.query.get("before")) is not None:
            found = [message for message in found if int(message["id"]) < int(before)][-limit:]
        else:
            found = found[-limit:]
        return web.json_response(found[::-1])

    async def _post_message(self, request: web.Request) -> web.Response:
        channel_id = int(request.match_info["channel"])
        body = await request.json()
        message = self.message(body.get("content") or "", channel_id, payloads.BOT)
        message["embeds"], message["nonce"] = body.get("embeds", []), body.get("nonce")
        self.history[channel_id].append(message)
        self.posted.put_nowait(message)
        await self.dispatch("MESSAGE_CREATE", message)
        return web.json_response(message)

    async def _edit_message(self, request: web.Request) -> web.Response:
        channel = self.history[int(request.match_info["channel"])]
        message = next(m for m in channel if m["id"] == request.match_info["message"])
        message.update(await request.json(), edited_timestamp=datetime.now(UTC).isoformat())
        self.posted.put_nowait(message)
        await self.dispatch("MESSAGE_UPDATE", message)
        return web.json_response(message)

    # -- gateway ---------------------------------------------------------------------------------

    async def _serve_gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 40_000}})
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._received(socket, json.loads(frame.data))
        self._sockets.pop(socket, None)
        return socket

    async def _received(self, socket: web.WebSocketResponse, frame: Json) -> None:
        match frame["op"]:
            case 1:
                await socket.send_json({"op": 11})
            case 2:
                await self._identify(socket, frame["d"])
            case 6:
                await self._resume(socket, frame["d"])

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        refusal = 4004 if data["token"] != self.token else self.close_identify_with
        if refusal is not None:
            await socket.close(code=refusal)
            return
        session = f"session-{len(self.identified) + 1}"
        self.sessions.add(session)
        self._sockets[socket] = 0
        ready = {
            "v": 10,
            "user": payloads.BOT,
            "guilds": [{"id": str(GUILD_ID), "unavailable": True}],
            "session_id": session,
            "resume_gateway_url": self.gateway_url,
            "shard": data["shard"],
            "application": {"id": str(BOT_ID), "flags": self.flags},
        }
        await self._event(socket, "READY", ready)
        await self._event(socket, "GUILD_CREATE", payloads.guild(self.channel_ids))
        await self._note(self.identified, data)

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> None:
        if data["session_id"] not in self.sessions:
            await socket.send_str('{"op": 9, "d": false}')
            return
        self._sockets[socket] = data["seq"]
        await self._event(socket, "RESUMED", {})
        await self._note(self.resumed, data)

    async def _note(self, log: list[Any], data: Any) -> None:
        async with self._changed:
            log.append(data)
            self._changed.notify_all()

    async def _event(self, socket: web.WebSocketResponse, event: str, data: Json) -> None:
        self._sockets[socket] += 1
        await socket.send_json({"op": 0, "t": event, "s": self._sockets[socket], "d": data})


def _answering(body: Callable[[], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body())

    return answer


async def _nothing(_: web.Request) -> web.Response:
    return web.Response(status=204)


@asynccontextmanager
async def open_discord_server() -> AsyncIterator[DiscordServer]:
    """Serve on a free port of loopback."""
    discord = DiscordServer()
    async with TestServer(discord.application()) as server:
        discord.api_base = str(server.make_url("/api/v10"))
        discord.gateway_url = str(server.make_url("/gateway/").with_scheme("ws"))
        yield discord
        await discord.drop(1001)


@pytest.fixture
async def discord_server() -> AsyncIterator[DiscordServer]:
    """A Discord-compatible server with one guild."""
    async with open_discord_server() as discord:
        yield discord
