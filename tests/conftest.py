"""Fixtures for every test, and which of them wait for the endurance session."""

from __future__ import annotations

import logging
import os

import pytest

pytest_plugins = ["wompbot_cogs.testing", "discord_server", "command_line"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``pytest.mark.endurance(only=True)``, unless that session runs."""
    if os.environ.get("WOMPBOT_ENDURANCE"):
        return
    later = [item for item in items if (mark := item.get_closest_marker("endurance")) and mark.kwargs]
    if later:
        config.hook.pytest_deselected(items=later)
        items[:] = [item for item in items if item not in set(later)]


@pytest.fixture(autouse=True)
def _log_levels() -> None:
    """Let our logs speak: a command that ran inside an earlier test or fixture may have silenced them."""
    for name in ("", "wompcore", "wompbot_cogs"):
        logging.getLogger(name).setLevel(logging.WARNING if not name else logging.NOTSET)
