"""Fixtures of a whole bot."""

from __future__ import annotations

from living_bot import bot_settings, living, model, open_bot
from plugin_site import site

__all__ = ["bot_settings", "living", "model", "open_bot", "site"]
