"""Reactions on messages that nobody tracks."""

from __future__ import annotations

import asyncio
import os

import pytest

from living_bot import Living
from wompbot_cogs import _dpy

ENDURANCE = os.environ.get("WOMPBOT_ENDURANCE") == "1"


def reaction(living: Living, message_id: int, person_id: int, emoji: str) -> dict[str, object]:
    """Return what the gateway says of a reaction."""
    return {
        "user_id": str(person_id),
        "channel_id": str(living.guild.channel_id()),
        "message_id": str(message_id),
        "guild_id": str(living.guild.id),
        "emoji": {"id": None, "name": emoji},
        "type": 0,
        "burst": False,
    }


@pytest.mark.endurance
async def test_thousands_of_reactions_on_untracked_messages_ask_the_database_nothing(living: Living) -> None:
    core = living.app.core
    message_id = await living.guild.say("bob", "the new kernel panics on my laptop")
    await core.messages.flush()
    await core.jobs.stop()  # its heartbeat would be counted with the reactions
    await asyncio.sleep(0.5)  # so would the registration of commands, and its worker's end
    before = core.db.statements
    with living.guild.feeding():
        for number in range(5000 if ENDURANCE else 500):
            # Many people, several emoji, but only one fire for each message; half of those are old ones.
            emoji = "👍❤😂🔥"[number % 4]
            apart = number << 22 if number % 8 == 3 else -(number << 22)
            target = message_id - apart if emoji == "🔥" else message_id
            payload = reaction(living, target, 1000 + number, emoji)
            _dpy.feed(living.app.bot, "MESSAGE_REACTION_ADD", payload)
    await asyncio.sleep(0.2)
    assert core.db.statements == before
