"""The test kit for plugin authors: a running bot with your plugin, in a guild of this process.

A pytest plugin: ``pytest_plugins = ["wompbot_cogs.testing"]``, or ``-p wompbot_cogs.testing``. It needs
the extra ``testing``. The author's first test::

    async def test_whoever_asks_is_greeted(bot):
        assert await bot.ask("alice", "!hello") == f"Hello, {bot.mention('alice')}!"
"""

from __future__ import annotations

from wompbot_cogs.testing.fixtures import (
    Opener,
    bot,
    bot_settings,
    clock,
    open_bot,
    plugin_id,
    plugin_project,
)
from wompbot_cogs.testing.living import OWNER, LivingBot, living_bot
from wompcore.testing.model import ScriptedModel

__all__ = [
    "OWNER",
    "LivingBot",
    "Opener",
    "ScriptedModel",
    "bot",
    "bot_settings",
    "clock",
    "living_bot",
    "open_bot",
    "plugin_id",
    "plugin_project",
]

pytest_plugins = ["wompcore.testing.pytest_plugin"]
