"""Keeps score of what people claim."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.claims.cog import ClaimsCog
from wompbot_cogs.cogs.claims.contradictions import ContradictionsCog

plugin = Plugin(ClaimsCog, ContradictionsCog)
