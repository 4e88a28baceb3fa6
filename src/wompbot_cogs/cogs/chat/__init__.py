"""Answers when addressed."""

from wompbot_cogs import Plugin
from wompbot_cogs.cogs.chat.cog import ChatCog

plugin = Plugin(ChatCog)
