"""Shows what the model cost this month."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.spend.cog import SpendCog

plugin = Plugin(SpendCog)
