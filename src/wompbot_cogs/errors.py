"""Errors of the bot and its plugin host."""

from __future__ import annotations

from collections.abc import Sequence

from wompcore.errors import WompError

# -- plugins -------------------------------------------------------------------------------------


class PluginError(WompError):
    """Something about a plugin is wrong.

    Args:
        plugin: The plugin's id.
        problem: What, in one line.
    """

    def __init__(self, plugin: str, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"plugin {plugin}: {problem}", hint=hint)
        self.plugin = plugin
        self.problem = problem


class ManifestInvalid(PluginError):
    """A plugin's manifest is missing or wrong."""

    hint = "Put a wompbot.toml beside the package's __init__.py; the plugin book shows a whole one."


class PluginConflict(PluginError):
    """A plugin asks for another version of the host, or of something that is installed beside it."""

    hint = "Install versions that fit, then restart: what is imported already stays as it is."


class PluginUnknown(PluginError):
    """No plugin of this name is installed."""

    hint = "`wompbot plugins list` shows what is installed; pip install brings more."

    def __init__(self, plugin: str, problem: str = "not installed", *, hint: str | None = None) -> None:
        super().__init__(plugin, problem, hint=hint)


class PluginBroken(PluginError):
    """A plugin's code failed while it was loaded."""

    hint = "The version that ran before, if any, still runs. Mend the plugin and swap it again."


class SettingsInvalid(PluginError):
    """What was set for a plugin does not fit its settings model."""

    hint = "Remove it from the settings file, or correct it."


class MigrationRefused(PluginError):
    """A migration of a plugin may not run."""

    hint = "Move it into a file NNNN_name.contract.sql, which runs when the version before is gone."


class NotGranted(PluginError):
    """A plugin reached for something that it did not ask for or was not given."""

    hint = "Name the capability in `needs` of the plugin's wompbot.toml."


class HookRefused(PluginError):
    """A plugin implements a hook that cannot be called. The author's mistake, found while loading."""

    hint = "The plugin book lists every hook with its arguments."


class HookTimedOut(PluginError):
    """A plugin's implementation of a hook did not answer in time.

    Args:
        plugin: The plugin's id.
        hook: The hook.
        seconds: How long it had.
    """

    hint = "Start slow work with `context.spawn`, and answer from what is ready."

    def __init__(self, plugin: str, hook: str, seconds: float) -> None:
        super().__init__(plugin, f"{hook} did not answer within {seconds:g} s")


class HookIncomplete(WompError):
    """Some plugins failed at something that all of them must do.

    Args:
        hook: The hook.
        plugins: Ids of the plugins that failed.
    """

    hint = "The log says why. Mend or unload these plugins and try again."

    def __init__(self, hook: str, plugins: Sequence[str]) -> None:
        super().__init__(f"hook '{hook}' failed in plugins: {', '.join(plugins)}")
        self.hook = hook
        self.plugins = tuple(plugins)


class HookResultInvalid(PluginError):
    """A plugin's implementation of a hook returned what the hook does not take."""

    hint = "The plugin book says what each hook takes."


class ConsentAwaited(NotGranted):
    """A plugin asks for more than its owner agreed to; nothing of it was run.

    Args:
        plugin: The plugin's id.
        asks: What the owner has not agreed to yet.
    """

    def __init__(self, plugin: str, asks: tuple[str, ...]) -> None:
        verbs = ", ".join(f"`wompbot plugins grant {plugin} {name}`" for name in asks)
        super().__init__(
            plugin,
            f"waits for the owner's consent to {', '.join(asks)}",
            hint=f"{verbs} gives it; then load or swap it.",
        )
        self.asks = asks


# -- the command line ----------------------------------------------------------------------------


class ControlUnavailable(WompError):
    """The owner's socket has no place.

    Args:
        path: Where it should be.
        problem: What is wrong there.
    """

    hint = "Set bot.control_dir to a folder of your own that only you may enter."

    def __init__(self, path: str, problem: str, *, hint: str | None = None) -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = path
        self.problem = problem


class ControlRefused(WompError):
    """The running bot did not do what it was asked."""


# -- Discord -------------------------------------------------------------------------------------

PORTAL = "https://discord.com/developers/applications"


class TokenMissing(WompError):
    """No bot token is set."""

    hint = (
        f"Make a bot at {PORTAL}, page 'Bot', press 'Reset Token', and set discord.token "
        "(WOMPBOT_DISCORD__TOKEN) to it; `wompbot init` asks for it."
    )


class TokenRefused(WompError):
    """Discord refused the bot token."""

    hint = f"Press 'Reset Token' at {PORTAL}, page 'Bot', and set discord.token to the new one."


class IntentsRefused(WompError):
    """Discord does not let the bot use a privileged intent.

    Args:
        intents: Their names as the developer portal shows them.
        application_id: The bot's application, when known.
    """

    def __init__(self, intents: tuple[str, ...], application_id: int | None = None) -> None:
        names = " and ".join(f"'{name}'" for name in intents)
        page = PORTAL if application_id is None else f"{PORTAL}/{application_id}/bot"
        super().__init__(
            f"privileged intents are switched off: {names}",
            hint=f"Switch on {names} at {page}, page 'Bot'; or set discord.message_content = false "
            "(the bot then sees mentions and slash commands only) and discord.members = false.",
        )
        self.intents = intents


class DiscordUnavailable(WompError):
    """Discord cannot be reached."""

    hint = "Check the network and discord.api_base; https://discordstatus.com tells of outages."
