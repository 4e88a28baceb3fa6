"""The bot's account, asked of Discord before anything is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import discord

from wompbot_cogs import _dpy
from wompbot_cogs.errors import DiscordUnavailable, IntentsRefused, TokenMissing, TokenRefused
from wompbot_cogs.settings import DiscordSettings

MESSAGE_CONTENT = "Message Content Intent"
SERVER_MEMBERS = "Server Members Intent"
_BUILT_IN = 414_464_723_008  # spec 13, section 9: what the bot needs for what it came with


@dataclass(frozen=True, slots=True)
class Account:
    """Who a token belongs to.

    Args:
        id: The bot's user id.
        name: Its user name.
        application_id: The application it belongs to.
        refused_intents: Privileged intents that the settings ask for and the portal has off.
    """

    id: int
    name: str
    application_id: int
    refused_intents: tuple[str, ...]

    def invite_url(self, permissions: Iterable[str] = ()) -> str:
        """Return where a server's owner invites the bot.

        Args:
            permissions: What it must be allowed besides, named as in ``discord.Permissions``.
        """
        wanted = discord.Permissions(_BUILT_IN)
        wanted.update(**dict.fromkeys(permissions, True))
        return (
            f"https://discord.com/oauth2/authorize?client_id={self.application_id}"
            f"&scope=bot+applications.commands&permissions={wanted.value}"
        )

    def require_intents(self) -> None:
        """Raise :class:`IntentsRefused` when an intent that the settings ask for is off."""
        if self.refused_intents:
            raise IntentsRefused(self.refused_intents, self.application_id)


async def look_up(settings: DiscordSettings, *, timeout_s: float = 15.0) -> Account:
    """Ask Discord whose token this is.

    Args:
        settings: The token, the API root and the intents wanted.
        timeout_s: Seconds to wait at most.

    Raises:
        TokenMissing: There is no token.
        TokenRefused: Discord does not know the token.
        DiscordUnavailable: Discord does not answer, or not as Discord does.
    """
    token = settings.token.get_secret_value()
    if not token:
        raise TokenMissing()
    client = discord.Client(intents=discord.Intents.default())
    with _dpy.pointed_at(settings.api_base):
        try:
            async with client, asyncio.timeout(timeout_s):
                await client.login(token)
        except discord.LoginFailure as error:
            raise TokenRefused() from error
        except (discord.HTTPException, AttributeError, KeyError, TypeError, ValueError) as error:
            raise DiscordUnavailable(f"{settings.api_base} does not answer as Discord does") from error
        except Exception as error:  # whatever the HTTP client makes of a network
            raise DiscordUnavailable(f"{settings.api_base} cannot be reached") from error
    assert client.user is not None, "login sets it"
    assert client.application is not None, "login sets it"
    granted = _granted(client.application.flags)
    return Account(
        id=client.user.id,
        name=client.user.name,
        application_id=client.application.id,
        refused_intents=tuple(name for name in privileged_intents(settings) if name not in granted),
    )


def privileged_intents(settings: DiscordSettings) -> tuple[str, ...]:
    """Return the privileged intents that the settings ask for, named as the developer portal does."""
    wanted = ((settings.message_content, MESSAGE_CONTENT), (settings.members, SERVER_MEMBERS))
    return tuple(name for is_wanted, name in wanted if is_wanted)


def _granted(flags: discord.ApplicationFlags) -> set[str]:
    allowed = {
        MESSAGE_CONTENT: flags.gateway_message_content or flags.gateway_message_content_limited,
        SERVER_MEMBERS: flags.gateway_guild_members or flags.gateway_guild_members_limited,
    }
    return {name for name, is_allowed in allowed.items() if is_allowed}
