from __future__ import annotations

from living_bot import Living


async def test_a_reaction_on_an_untracked_message_asks_the_database_nothing(living: Living) -> None:
    core = living.app.core
    message_id = await living.guild.say("bob", "the new kernel panics on my laptop")
    await core.jobs.stop()
    await core.messages.flush()
    before = core.db.statements
    for name in ("alice", "carol", "bob"):
        await living.guild.react(name, message_id, "\N{FIRE}")
    assert core.db.statements == before
