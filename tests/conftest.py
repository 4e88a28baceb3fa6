"""Fixtures for every test."""

from __future__ import annotations

pytest_plugins = ["wompbot_cogs.testing", "discord_server", "command_line"]
