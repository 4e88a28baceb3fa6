"""The tool as the model and the people meet it."""

from __future__ import annotations

import re

import pytest

from wompbot_cogs.testing import LivingBot, ScriptedModel


async def test_the_model_rolls_when_it_is_asked_to(bot: LivingBot) -> None:
    await bot.load("chat")
    answer = await bot.ask("alice", "wompbot, please roll the dice!")
    assert re.search(r"1 dice of 6 sides show \[([1-6])\], together \1", answer)


async def test_the_model_chooses_the_dice(bot: LivingBot, model: ScriptedModel) -> None:
    await bot.load("chat")
    model.calls("roll_dice", sides=20, count=3)
    assert "3 dice of 20 sides" in await bot.ask("alice", "wompbot, three of the twenty-sided ones!")


@pytest.mark.parametrize("arguments", [{"sides": 1}, {"sides": 6, "count": 101}, {"edges": 6}])
async def test_impossible_dice_are_explained_to_the_model(
    bot: LivingBot, model: ScriptedModel, arguments: dict[str, int]
) -> None:
    await bot.load("chat")
    model.calls("roll_dice", **arguments)
    model.says("I cannot roll those.")
    assert await bot.ask("alice", "wompbot, roll!") == "I cannot roll those."
    assert "do not fit" in model.asked[-1]["messages"][-1]["content"]


async def test_nothing_is_left_behind(bot: LivingBot) -> None:
    await bot.swap()
    await bot.assert_no_leaks()
