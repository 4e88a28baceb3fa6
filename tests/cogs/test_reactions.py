from __future__ import annotations

from living_bot import Living


async def test_a_reaction_on_an_untracked_message_asks_the_database_nothing(living: Living) -> None:
    core = living.app.core
    message_id = await living.guild.say("bob", "the new kernel panics on my laptop")
    await core.jobs.stop()
    await core.messages.flush()
    asked = []
    for name in ("alice", "carol", "bob"):
        before = core.db.statements
        for emoji in "\N{FIRE}\N{CLOUD}\N{WARNING SIGN}":
            await living.guild.react(name, message_id, emoji)
        asked.append(core.db.statements - before)
    assert min(asked) == 0  # what the bot does in the background falls into one of the rounds at most
