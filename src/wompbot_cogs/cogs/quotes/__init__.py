"""Keeps what people want kept."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.quotes.cog import QuotesCog

plugin = Plugin(QuotesCog)
