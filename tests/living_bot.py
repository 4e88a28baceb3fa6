"""The kit's bot, here with every built-in cog."""

from __future__ import annotations

import pytest

from wompbot_cogs.settings import BotSettings
from wompbot_cogs.testing import OWNER, Opener
from wompbot_cogs.testing import LivingBot as Living

__all__ = ["OWNER", "Living", "Opener", "living"]


@pytest.fixture
async def living(open_bot: Opener, bot_settings: BotSettings) -> Living:
    """A bot with every built-in cog in a simulated guild; olivia owns both."""
    return await open_bot(bot_settings)
