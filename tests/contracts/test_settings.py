"""Settings are read once; nothing can change them afterwards."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from wompbot_cogs.settings import BotSettings
from wompcore.config import load_settings


def test_admin_ids_are_read_once_into_a_set_that_stays() -> None:
    discord = load_settings(BotSettings, environ={"WOMPBOT_DISCORD__OWNER_IDS": "1, 22,"}).discord
    assert discord.owner_ids == frozenset({1, 22})
    with pytest.raises(ValidationError, match="frozen"):
        discord.owner_ids = frozenset({3})  # type: ignore[misc] # that it cannot be set is the test
