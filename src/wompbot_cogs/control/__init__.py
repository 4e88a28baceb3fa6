"""The owner's socket: what the command line asks of a bot that runs on this machine."""

from wompbot_cogs.control.client import ask
from wompbot_cogs.control.listing import PluginRow, rows_at_rest, rows_of
from wompbot_cogs.control.request import Request
from wompbot_cogs.control.server import OwnerSocket, owner_socket

__all__ = ["OwnerSocket", "PluginRow", "Request", "ask", "owner_socket", "rows_at_rest", "rows_of"]
