"""Reading settings: a TOML table, and environment variables ``WOMPBOT_<SECTION>__<KEY>``, which win."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from wompcore.errors import ConfigInvalid

ENV_PREFIX = "WOMPBOT_"

# First words of variables that name the settings file, or are for the project's own checks.
_NOT_SETTINGS = frozenset({"config", "endurance", "interop", "logs"})
_LISTED = "docs/reference/settings lists every one."

S = TypeVar("S", bound=BaseModel)


def load_settings(model: type[S], *, file: Path | None = None, environ: Mapping[str, str] | None = None) -> S:
    """Read settings from a TOML file and the environment.

    Args:
        model: The settings model, :class:`CoreSettings` or one that extends it.
        file: A TOML file; ``None`` for none.
        environ: The environment; the process's own when left out.

    Raises:
        ConfigInvalid: The file cannot be read, a key is unknown or a value is bad; names the key.
    """
    environ = os.environ if environ is None else environ
    data = {} if file is None else _read_toml(file)
    variables = _variables(model, environ)
    for name in variables.values():
        _place(data, name, environ[name])
    try:
        return model.model_validate(_without_empty(data))
    except ValidationError as error:
        raise _invalid(error, variables) from error


def _variables(model: type[BaseModel], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment's variables by the key, ``section.key``, that each sets."""
    variables: dict[str, str] = {}
    for name, value in environ.items():
        key = name.removeprefix(ENV_PREFIX).lower()
        if not name.startswith(ENV_PREFIX) or value == "":
            continue
        section, _, rest = key.partition("_")
        if "__" in key:
            variables[key.replace("__", ".")] = name
        elif section not in _NOT_SETTINGS:
            meant = f"{ENV_PREFIX}{section}__{rest}".upper()
            hint = f"Two underscores end the section: {meant}" if section in model.model_fields else _LISTED
            raise ConfigInvalid(name, "unknown setting", hint=hint)
    return variables


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigInvalid(str(file), "no such file", hint="`wompbot init` writes one.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(str(file), str(error)) from error


def _place(data: dict[str, Any], name: str, value: str) -> None:
    *sections, key = name.removeprefix(ENV_PREFIX).lower().split("__")
    table = data
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ConfigInvalid(name, f"'{section}' is a value in the file, not a section")
    table[key] = value


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_empty(value) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if value != ""
    }


def _invalid(error: ValidationError, variables: Mapping[str, str]) -> ConfigInvalid:
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "settings"
    for path, name in variables.items():
        if f"{path}.".startswith(f"{key}.") or f"{key}.".startswith(f"{path}."):
            key = name
            break
    if first["type"] == "extra_forbidden":
        return ConfigInvalid(key, "unknown setting", hint=_LISTED)
    return ConfigInvalid(key, str(first["msg"]).removeprefix("Value error, "))
