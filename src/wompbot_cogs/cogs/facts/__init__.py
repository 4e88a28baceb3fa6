"""Checks what somebody said against the web."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.facts.cog import FactsCog

plugin = Plugin(FactsCog)
