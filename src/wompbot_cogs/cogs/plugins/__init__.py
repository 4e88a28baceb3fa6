"""Lets the bot's owner load, swap and unload plugins."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.plugins.cog import PluginsCog

plugin = Plugin(PluginsCog)
