"""Settings of the bot: those of the library, and who it is in Discord."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from wompcore.config import CoreSettings, Section


def _split(value: Any) -> Any:
    """Take ``"1, 2"`` apart: an environment variable can hold no list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Ids = Annotated[frozenset[int], BeforeValidator(_split)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Level = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]


class DiscordSettings(Section):
    """The account the bot uses, and the server it talks to."""

    token: SecretStr = Field(SecretStr(""), description="Bot token, from the developer portal.")
    owner_ids: Ids = Field(frozenset(), description="User ids that may do everything, anywhere.")
    alert_channel: int | None = Field(
        None,
        gt=0,
        description="Channel for alerts. Empty, or closed to the bot: direct messages to the owners.",
    )
    name: str = Field("wompbot", min_length=2, max_length=32, description="Name it answers to in a message.")
    prefix: str = Field("!", min_length=1, max_length=5, description="Start of a prefix command.")
    message_content: bool = Field(
        True, description="Read messages (privileged intent). Off: mentions and slash commands only."
    )
    members: bool = Field(False, description="Follow who joins and leaves (privileged intent).")
    api_base: str = Field(
        "https://discord.com/api/v10", description="API root of a Discord-compatible server."
    )
    gateway_url: str = Field("", description="Gateway, ws:// or wss://. Empty: the API names it.")

    @field_validator("api_base")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("gateway_url")
    @classmethod
    def _websocket(cls, value: str) -> str:
        if value and not value.startswith(("ws://", "wss://")):
            raise ValueError("must start with ws:// or wss://")
        return value


class HostSettings(Section):
    """What the bot consists of."""

    plugins: Names = Field((), description="Ids of the plugins to load. Empty: all that are installed.")
    control_dir: Path | None = Field(
        None, description="Folder, yours alone, of the running bot's socket. Empty: in your data folder."
    )
    drain_s: float = Field(
        20.0, ge=0, le=600, description="Seconds a plugin's work may go on after the plugin was replaced."
    )
    quarantine_errors: int = Field(
        10, ge=2, le=1000, description="Errors of a plugin within the window that put it into quarantine."
    )
    quarantine_window_s: float = Field(60.0, gt=0, le=86_400, description="Seconds of that window.")
    quarantine_pause_s: float = Field(
        60.0, gt=0, le=86_400, description="Seconds until it is tried again; doubled with each failure."
    )


class MetricsSettings(Section):
    """A page of numbers, ``/metrics``, and a sign of life, ``/healthz``, of the running bot."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; only this machine's own.")
    port: int = Field(0, ge=0, le=65_535, description="Port to listen on. 0: none.")

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class LogSettings(Section):
    """What the process writes about itself. Never the text of a message."""

    level: Level = Field("info", description="Least important line to write.")


class BotSettings(CoreSettings):
    """All settings of the bot."""

    discord: DiscordSettings = Field(default_factory=lambda: DiscordSettings())
    bot: HostSettings = Field(default_factory=lambda: HostSettings())
    metrics: MetricsSettings = Field(default_factory=lambda: MetricsSettings())
    log: LogSettings = Field(default_factory=lambda: LogSettings())
    plugins: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of plugins, a table `[plugins.<id>]` each; or WOMPBOT_PLUGINS__<ID>__<KEY>.",
    )
