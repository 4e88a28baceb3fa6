"""What a Discord server sends, with as much in it as discord.py reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

BOT_ID = 900_000_000_000_000_001
GUILD_ID = 700_000_000_000_000_001

_MEMBER = {"roles": [], "joined_at": "2020-01-01T00:00:00Z", "deaf": False, "mute": False, "flags": 0}

Json = dict[str, Any]


def user(id_: int, name: str, *, bot: bool = False) -> Json:
    """Return a user."""
    return {
        "id": str(id_),
        "username": name,
        "global_name": name,
        "discriminator": "0",
        "avatar": None,
        "bot": bot,
    }


BOT = user(BOT_ID, "wompbot", bot=True)


def message(id_: int, text: str, channel_id: int, author: Json, at: datetime) -> Json:
    """Return a message of a guild."""
    return {
        "id": str(id_),
        "type": 0,
        "channel_id": str(channel_id),
        "guild_id": str(GUILD_ID),
        "author": author,
        "member": _MEMBER,
        "content": text,
        "timestamp": at.isoformat(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [BOT] if f"<@{BOT_ID}>" in text else [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
    }


def application(flags: int) -> Json:
    """Return the bot's application."""
    return {
        "id": str(BOT_ID),
        "name": "wompbot",
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "",
        "hook": True,
        "flags": flags,
        "owner": user(77, "owner"),
        "team": None,
    }


def guild(channel_ids: Iterable[int]) -> Json:
    """Return a guild with text channels, in which everyone may do everything."""
    everyone = {
        "id": str(GUILD_ID),
        "name": "@everyone",
        "permissions": "8",
        "position": 0,
        "color": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    channels = [
        {"id": str(id_), "type": 0, "name": f"channel-{n}", "position": n, "permission_overwrites": []}
        for n, id_ in enumerate(channel_ids)
    ]
    return {
        "id": str(GUILD_ID),
        "name": "The Guild",
        "owner_id": "77",
        "member_count": 2,
        "roles": [everyone],
        "channels": channels,
        "threads": [],
        "members": [{**_MEMBER, "user": BOT}],
        "unavailable": False,
    }
