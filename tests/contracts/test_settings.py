"""Settings are read once; nothing can change them afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

import wompbot_cogs
import wompcore
from wompbot_cogs.settings import BotSettings
from wompcore.config import load_settings
from wompcore.errors import ConfigInvalid

_READ = re.compile(r"\.(\w+)")


def leaves(section: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def test_every_setting_is_read_somewhere() -> None:
    homes = (Path(package.__file__ or "").parent for package in (wompcore, wompbot_cogs))
    read = {name for home in homes for file in home.rglob("*.py") for name in _READ.findall(file.read_text())}
    assert [path for path in leaves(BotSettings) if path.rpartition(".")[2] not in read] == []


def test_admin_ids_are_read_once_into_a_set_that_stays() -> None:
    discord = load_settings(BotSettings, environ={"WOMPBOT_DISCORD__OWNER_IDS": "1, 22,"}).discord
    assert discord.owner_ids == frozenset({1, 22})
    with pytest.raises(ValidationError, match="frozen"):
        discord.owner_ids = frozenset({3})  # type: ignore[misc] # that it cannot be set is the test


@pytest.mark.parametrize("name", ["WOMPBOT_FOO", "WOMPBOT_TOKEN", "WOMPBOT_NO__SUCH", "WOMPBOT_LLM__NONE"])
def test_an_unknown_variable_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        load_settings(BotSettings, environ={name: "1"})


@pytest.mark.parametrize("name", ["LLM", "SEARCH"])
def test_a_key_has_no_ends_of_lines(name: str) -> None:
    settings = load_settings(BotSettings, environ={f"WOMPBOT_{name}__API_KEY": " sk-1\n"})
    assert getattr(settings, name.lower()).api_key.get_secret_value() == "sk-1"
    with pytest.raises(ConfigInvalid, match="API_KEY") as caught:
        load_settings(BotSettings, environ={f"WOMPBOT_{name}__API_KEY": "sk-1\r\nsk-2"})
    assert "sk-1" not in str(caught.value)


def test_variables_of_the_projects_own_checks_are_no_settings() -> None:
    environ = {"WOMPBOT_CONFIG": "x.toml", "WOMPBOT_LOGS": "y", "WOMPBOT_INTEROP_BASE_URL": "http://x"}
    assert load_settings(BotSettings, environ=environ) == BotSettings()


def test_a_plugins_settings_come_from_a_table_of_its_own_or_from_variables(tmp_path: Path) -> None:
    file = tmp_path / "wompbot.toml"
    file.write_text("[plugins.tally]\nper_person = 2\nname = 'x'\n")
    environ = {"WOMPBOT_PLUGINS__TALLY__PER_PERSON": "3"}
    plugins = load_settings(BotSettings, file=file, environ=environ).plugins
    assert plugins == {"tally": {"per_person": "3", "name": "x"}}
