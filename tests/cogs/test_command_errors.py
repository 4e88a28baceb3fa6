"""What a person hears when a command cannot be carried out."""

from __future__ import annotations

import pytest

from living_bot import OWNER, Living

LONG = "9" * 1900


@pytest.mark.parametrize(
    "text", [f"!verify {LONG} true", f"!setadmin {LONG}", f"!settings set claims {LONG}"]
)
async def test_a_mistake_of_any_length_is_answered(living: Living, text: str) -> None:
    answer = await living.ask(OWNER, text)
    assert "help" in answer
    assert len(answer) < 500


async def test_what_no_database_can_hold_does_not_fail_a_command(living: Living) -> None:
    assert "no claims" in await living.ask("ann", "!receipts nul\0nul")
    assert living.app.bot.failures == 0
