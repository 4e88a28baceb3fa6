"""What a plugin may be given: one narrow object for each capability."""

from wompbot_cogs.capabilities.messages import PluginMessages
from wompbot_cogs.capabilities.model import PluginModel
from wompbot_cogs.capabilities.search import PluginSearch

__all__ = ["PluginMessages", "PluginModel", "PluginSearch"]
