"""Fixtures for every test."""

from __future__ import annotations

pytest_plugins = ["wompcore.testing.pytest_plugin", "discord_server", "command_line"]
