"""Delivers what the outbox holds to Discord."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import discord

from wompcore.errors import DeliveryRefused

_LOOK_BACK = 100

# Discord's own refusals, by status and code; other pages of these statuses have no code. Source: Discord,
# "Opcodes and status codes": direct messages are opened too fast.
_REFUSALS = frozenset({400, 403, 404})
_FOR_NOW = frozenset({0, 40003})


class DiscordSender:
    """Sends with a nonce and finds what was sent with it.

    Args:
        client: The connected bot.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def direct_channel(self, person_id: int) -> int:
        """Return the channel of a person's direct messages; Discord opens it once.

        Raises:
            DeliveryRefused: There is no such person.
            discord.DiscordException: Nobody knows.
        """
        with _final():
            return (await self._client.create_dm(discord.Object(person_id))).id

    async def send(self, channel_id: int, text: str, nonce: str) -> int:
        """Send a text once per nonce and return the message's id.

        Raises:
            DeliveryRefused: The channel is gone or closed to the bot, or the person takes no messages of it.
            discord.DiscordException: It was refused for now, or nobody knows.
        """
        with _final():
            return (await self._channel(channel_id).send(text, nonce=nonce)).id

    async def find(self, channel_id: int, nonce: str) -> int | None:
        """Return the id of the message that was sent with a nonce, ``None`` if there is none.

        Raises:
            DeliveryRefused: The bot may not look.
            discord.DiscordException: Nobody knows.
        """
        with _final():
            async for message in self._channel(channel_id).history(limit=_LOOK_BACK):
                if message.author == self._client.user and str(message.nonce) == nonce:
                    return message.id
        return None

    def _channel(self, channel_id: int) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(channel_id)


@contextmanager
def _final() -> Iterator[None]:
    """Raise what another try cannot mend as :class:`DeliveryRefused`."""
    try:
        yield
    except discord.HTTPException as error:
        if error.status in _REFUSALS and error.code not in _FOR_NOW:
            raise DeliveryRefused(error.text or "Discord refuses it") from error
        raise
