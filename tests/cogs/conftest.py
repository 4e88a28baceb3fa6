"""Fixtures of a whole bot, and of plugins that it can load."""

from __future__ import annotations

from living_bot import living
from plugin_site import site

__all__ = ["living", "site"]
