"""Delivers what the outbox holds to Discord."""

from __future__ import annotations

import discord

_LOOK_BACK = 100


class DiscordSender:
    """Sends with a nonce and finds what was sent with it.

    Args:
        client: The connected bot.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def send(self, channel_id: int, text: str, nonce: str) -> int:
        """Send a text once per nonce and return the message's id.

        Raises:
            discord.DiscordException: It was refused, or nobody knows.
        """
        message = await self._channel(channel_id).send(text, nonce=nonce)
        return message.id

    async def find(self, channel_id: int, nonce: str) -> int | None:
        """Return the id of the message that was sent with a nonce, ``None`` if there is none."""
        async for message in self._channel(channel_id).history(limit=_LOOK_BACK):
            if message.author == self._client.user and str(message.nonce) == nonce:
                return message.id
        return None

    def _channel(self, channel_id: int) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(channel_id)
