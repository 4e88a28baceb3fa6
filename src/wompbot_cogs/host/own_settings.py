"""A plugin's own settings: its pydantic model, filled from ``[plugins.<id>]`` and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ValidationError

from wompbot_cogs.errors import ManifestInvalid, SettingsInvalid
from wompbot_cogs.host.discovery import Found
from wompcore.config import ENV_PREFIX

_SHOWN = 5


def read_settings(found: Found, values: Mapping[str, Any]) -> BaseModel | None:
    """Return a plugin's settings, ``None`` when it has none. Called while its package is imported.

    Args:
        found: The plugin.
        values: What the operator set for it.

    Raises:
        ManifestInvalid: The manifest names no settings model, or not one of the plugin's own.
        SettingsInvalid: Values are bad; every one is named.
    """
    named = found.manifest.settings if found.manifest else ""
    if not named:
        if values:
            raise SettingsInvalid(found.id, f"[plugins.{found.id}] is set, but it has no settings")
        return None
    model = _model(found, *named.split(":"))
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False)
        lines = [
            f"{'.'.join(['plugins', found.id, *map(str, mistake['loc'])])}: "
            + str(mistake["msg"]).removeprefix("Value error, ")
            for mistake in mistakes[:_SHOWN]
        ]
        more = f"; and {len(mistakes) - _SHOWN} more" if len(mistakes) > _SHOWN else ""
        variable = f"{ENV_PREFIX}PLUGINS__{found.id.upper()}__..."
        raise SettingsInvalid(
            found.id,
            "; ".join(lines) + more,
            hint=f"Correct them in [plugins.{found.id}] of the settings file, or in {variable}.",
        ) from error


def _model(found: Found, module: str, name: str) -> type[BaseModel]:
    if module != found.package and not module.startswith(f"{found.package}."):
        raise ManifestInvalid(found.id, f"its settings model {module}:{name} is outside of {found.package}")
    model = getattr(import_module(module), name, None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ManifestInvalid(found.id, f"{module}:{name} is not a pydantic model")
    return model
