"""Counts what people argue about."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.hottakes.cog import HotTakesCog

plugin = Plugin(HotTakesCog)
