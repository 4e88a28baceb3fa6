"""Lets people decide whether what they write is kept."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.privacy.cog import PrivacyCog

plugin = Plugin(PrivacyCog)
