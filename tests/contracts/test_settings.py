"""Settings are read once; nothing can change them afterwards."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from wompbot_cogs.settings import BotSettings
from wompcore.config import load_settings
from wompcore.errors import ConfigInvalid


def test_admin_ids_are_read_once_into_a_set_that_stays() -> None:
    discord = load_settings(BotSettings, environ={"WOMPBOT_DISCORD__OWNER_IDS": "1, 22,"}).discord
    assert discord.owner_ids == frozenset({1, 22})
    with pytest.raises(ValidationError, match="frozen"):
        discord.owner_ids = frozenset({3})  # type: ignore[misc] # that it cannot be set is the test


@pytest.mark.parametrize("name", ["WOMPBOT_FOO", "WOMPBOT_TOKEN", "WOMPBOT_NO__SUCH", "WOMPBOT_LLM__NONE"])
def test_an_unknown_variable_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        load_settings(BotSettings, environ={name: "1"})


def test_variables_of_the_projects_own_checks_are_no_settings() -> None:
    environ = {"WOMPBOT_CONFIG": "x.toml", "WOMPBOT_LOGS": "y", "WOMPBOT_INTEROP_BASE_URL": "http://x"}
    assert load_settings(BotSettings, environ=environ) == BotSettings()
