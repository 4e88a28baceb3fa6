"""Claims: found while people talk, shown and ruled on when asked."""

from __future__ import annotations

from living_bot import OWNER, Living

CLAIM = "I guarantee that the new kernel will never crash on this laptop before 2031"


async def claim(living: Living, name: str, text: str = CLAIM) -> int:
    """Say something that becomes a claim; return the message's id."""
    message_id = await living.guild.say(name, text)
    await living.app.core.claims.settled()
    return message_id


async def receipts(living: Living, text: str = "!receipts", name: str = "alice") -> str:
    await living.guild.say(name, text)
    answer = living.guild.answers()[-1]
    parts = [answer.text]
    for embed in answer.embeds:
        parts += [embed.description or "", embed.footer.text or ""]
    return "\n".join(parts)


async def test_a_claim_is_caught_and_shown_with_its_number(living: Living) -> None:
    await claim(living, "bob")
    shown = await receipts(living)
    assert "`#1` **bob**" in shown
    assert "crash on this laptop" in shown
    assert "1 of 1 claims" in shown
