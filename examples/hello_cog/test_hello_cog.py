"""The plugin in a running bot."""

from __future__ import annotations

from wompbot_cogs.testing import LivingBot


async def test_whoever_asks_is_greeted(bot: LivingBot) -> None:
    assert await bot.ask("alice", "!hello") == f"Hello, {bot.mention('alice')}!"


async def test_a_swap_leaves_nothing_behind(bot: LivingBot) -> None:
    await bot.swap()
    assert (await bot.slash("alice", "hello")).startswith("Hello, ")
    await bot.assert_no_leaks()
