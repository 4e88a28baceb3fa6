"""What a plugin may be given: one narrow object for each capability."""

from wompbot_cogs.capabilities.cache import PluginCache
from wompbot_cogs.capabilities.jobs import PluginJobs
from wompbot_cogs.capabilities.memory import PluginMemory
from wompbot_cogs.capabilities.messages import PluginMessages
from wompbot_cogs.capabilities.model import PluginModel
from wompbot_cogs.capabilities.search import PluginSearch

__all__ = ["PluginCache", "PluginJobs", "PluginMemory", "PluginMessages", "PluginModel", "PluginSearch"]
