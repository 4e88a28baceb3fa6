"""How plugins are found, loaded, swapped and unloaded while the bot runs."""

from wompbot_cogs.host.discovery import Found, discover
from wompbot_cogs.host.host import Host
from wompbot_cogs.host.opening import make_host
from wompbot_cogs.host.provision import PluginValues, Provision
from wompbot_cogs.states import PluginState

__all__ = ["Found", "Host", "PluginState", "PluginValues", "Provision", "discover", "make_host"]
