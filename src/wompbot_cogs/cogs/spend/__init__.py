"""Shows what the model cost this month, and sets what it may cost."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.spend.budgets import BudgetsCog
from wompbot_cogs.cogs.spend.cog import SpendCog

plugin = Plugin(SpendCog, BudgetsCog)
