"""``wompbot run``: the bot in Discord, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import Terminal, log_to_stderr, reporting
from wompbot_cogs.errors import ControlUnavailable
from wompbot_cogs.settings import BotSettings

if TYPE_CHECKING:
    from wompbot_cogs.app import App
    from wompbot_cogs.host import PluginValues

_MENTIONS_ONLY = (
    "Message content is off: the bot sees mentions, direct messages and slash commands only; "
    "claims and memory have nothing to read."
)


Watch = Annotated[bool, typer.Option("--watch", help="Swap a plugin you work on whenever you save it.")]


def run(config: Config = None, watch: Watch = False, as_json: Json = False, debug: Debug = False) -> None:
    """Run the bot in Discord until SIGTERM or Ctrl-C."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        settings = settings_of(config)
        log_to_stderr(settings.log.level, debug=debug)
        asyncio.run(_run(settings, terminal, lambda: settings_of(config).plugins, watch))
        terminal.say("Stopped.")


async def _run(settings: BotSettings, terminal: Terminal, plugin_values: PluginValues, watch: bool) -> None:
    from wompbot_cogs.account import look_up

    account = await look_up(settings.discord)
    account.require_intents()

    from wompbot_cogs import runner
    from wompbot_cogs.app import open_app

    runner.tune_interpreter()
    async with open_app(settings, plugin_values=plugin_values) as app:
        states = app.host.states()
        live = [state.id for state in states if state.state == "live"]
        failed = {state.id: state.problem for state in states if state.state == "failed"}
        terminal.say(f"{account.name} is ready with {', '.join(live) or 'no plugins'}.")
        for plugin, problem in failed.items():
            terminal.say(f"Plugin {plugin} failed: {problem}")
        if not settings.discord.message_content:
            terminal.say(_MENTIONS_ONLY)
        invite_url = account.invite_url(await _permissions_wanted(app))
        terminal.say(f"Invite it: {invite_url}")
        terminal.result(
            {
                "account": {"id": account.id, "name": account.name},
                "invite_url": invite_url,
                "plugins": live,
                "failed": failed,
                "message_content": settings.discord.message_content,
            }
        )
        async with _open_to_its_owner(app, terminal, watch):
            await runner.run(app.bot, settings.discord)


async def _permissions_wanted(app: App) -> frozenset[str]:
    """Return what the plugins that are to run must be allowed in a server."""
    from wompbot_cogs.host import discover
    from wompbot_cogs.host.wanted import permissions_wanted

    plugins = (await asyncio.to_thread(discover)).values()
    wishes = await app.core.repos.plugins.wishes()
    return frozenset().union(*permissions_wanted(plugins, wishes, app.settings.bot.plugins).values())


@asynccontextmanager
async def _open_to_its_owner(app: App, terminal: Terminal, watch: bool) -> AsyncIterator[None]:
    """Let the command line ask this bot, which runs without that if it must; and swap on save."""
    from wompbot_cogs.authoring.watch import swapping_on_save
    from wompbot_cogs.control.server import owner_socket

    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(owner_socket(app))
        except ControlUnavailable as error:
            terminal.say(f"`wompbot plugins` cannot reach this bot: {error.message}. {error.hint}")
        if watch:
            await stack.enter_async_context(swapping_on_save(app.host, terminal.say))
        yield
