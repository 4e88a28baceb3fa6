"""``wompbot sync``: register the slash commands now, without connecting."""

from __future__ import annotations

import asyncio

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import reporting
from wompbot_cogs.settings import BotSettings


def sync(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Register the slash commands that changed since they were last registered."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        places = asyncio.run(_sync(settings_of(config)))
        terminal.say(f"Registered: {', '.join(places)}." if places else "Nothing changed.")
        terminal.result({"registered": places})


async def _sync(settings: BotSettings) -> list[str]:
    import discord

    from wompbot_cogs.app import open_app
    from wompbot_cogs.errors import DiscordUnavailable, TokenRefused

    async with open_app(settings) as app:
        try:
            await app.bot.login(settings.discord.token.get_secret_value())
            return await app.bot.slash.sync()
        except discord.LoginFailure as error:
            raise TokenRefused() from error
        except (discord.HTTPException, TimeoutError, OSError) as error:
            raise DiscordUnavailable(f"commands cannot be registered: {error}") from error
