"""Lets people decide whether what they write is kept, and gives them what is."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.privacy.cog import PrivacyCog
from wompbot_cogs.cogs.privacy.own_data import OwnDataCog

plugin = Plugin(PrivacyCog, OwnDataCog)
