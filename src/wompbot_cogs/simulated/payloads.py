"""Events as Discord's gateway sends them.

Source: Discord developer documentation, resources, "Message Object"; gateway events, "Message Create".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

Json = dict[str, Any]


def author(person_id: int, name: str, *, is_bot: bool = False) -> Json:
    """Return a user as a message's author."""
    return {
        "id": str(person_id),
        "username": name,
        "discriminator": "0",
        "global_name": None,
        "avatar": None,
        "bot": is_bot,
    }


def member(joined_at: datetime) -> Json:
    """Return the part of a guild member that comes with a message."""
    return {
        "roles": [],
        "nick": None,
        "joined_at": joined_at.isoformat(),
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def message_create(
    message_id: int,
    channel_id: str,
    guild_id: str,
    author: Json,
    member: Json,
    text: str,
    at: datetime,
    reply_to: int | None = None,
) -> Json:
    """Return a plain message in a guild's channel; ``author`` and ``member`` may be shared by many."""
    payload: Json = {
        "id": str(message_id),
        "type": 0,
        "channel_id": channel_id,
        "guild_id": guild_id,
        "author": author,
        "member": member,
        "content": text,
        "timestamp": at.isoformat(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
    }
    if reply_to is not None:
        payload["type"] = 19
        payload["message_reference"] = {
            "type": 0,
            "message_id": str(reply_to),
            "channel_id": channel_id,
            "guild_id": guild_id,
        }
    return payload
