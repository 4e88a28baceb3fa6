"""What a plugin's settings are in each guild."""

from __future__ import annotations

from typing import Any, Final, Protocol

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

PER_GUILD: Final = "per guild"
"""Marks a setting that each guild may decide: ``Annotated[int, PER_GUILD]``."""


class Decisions(Protocol):
    """What guilds decided."""

    def decided(self, guild_id: int, key: str) -> Any:
        """Return a decision, or ``None``."""
        ...

    async def set(self, guild_id: int, key: str, value: Any, *, by_id: int) -> None:
        """Keep a decision."""
        ...


class Overrides:
    """A plugin's settings, with what guilds decided instead.

    Args:
        plugin: The plugin's id.
        settings: What the operator set.
        decisions: What guilds decided.
    """

    def __init__(self, plugin: str, settings: BaseModel, decisions: Decisions) -> None:
        self._plugin = plugin
        self._settings = settings
        self._decisions = decisions
        self.fields: dict[str, FieldInfo] = {
            name: field for name, field in type(settings).model_fields.items() if PER_GUILD in field.metadata
        }

    def of(self, guild_id: int | None) -> BaseModel:
        """Return the settings of a guild; direct messages have the operator's.

        A decision that a later version of the model does not take is left out.
        """
        settings = self._settings
        for name in self.fields:
            value = self._decisions.decided(guild_id or 0, self._key(name))
            if value is not None:
                try:
                    settings = self._with(settings, name, value)
                except ValidationError:
                    continue  # it holds again once the model takes it again
        return settings

    async def set(self, guild_id: int, name: str, text: str | None, *, by_id: int) -> Any:
        """Decide a setting for a guild.

        Args:
            guild_id: The guild.
            name: The setting.
            text: Its value as people write it; ``None`` takes a decision back.
            by_id: Who decides.

        Returns:
            What holds now.

        Raises:
            ValueError: It is no such value; says why.
        """
        if text is not None:
            try:
                self._with(self.of(guild_id), name, text)
            except ValidationError as error:
                words = str(error.errors(include_url=False, include_input=False)[0]["msg"])
                raise ValueError(words.removeprefix("Value error, ")) from error
        await self._decisions.set(guild_id, self._key(name), text, by_id=by_id)
        return getattr(self.of(guild_id), name)

    def _with(self, settings: BaseModel, name: str, value: str) -> BaseModel:
        return type(settings).model_validate({**settings.model_dump(), name: value})

    def _key(self, name: str) -> str:
        return f"plugin.{self._plugin}.{name}"
