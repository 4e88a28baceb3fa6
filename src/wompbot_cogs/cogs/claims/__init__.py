"""Keeps score of what people claim."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.claims.cog import ClaimsCog
from wompbot_cogs.cogs.claims.contradictions import ContradictionsCog
from wompbot_cogs.cogs.claims.learning import LearningCog

plugin = Plugin(ClaimsCog, ContradictionsCog, LearningCog)
