"""Opting out and in."""

from __future__ import annotations

import pytest

from living_bot import Living, Opener
from wompbot_cogs.settings import BotSettings


async def stored_texts(living: Living) -> list[str]:
    await living.app.core.messages.flush()
    rows = await living.app.core.db.fetch_all("SELECT text FROM messages WHERE NOT is_bot ORDER BY id")
    return [text for (text,) in rows]


async def test_opting_out_blanks_what_is_stored_and_stores_nothing_more(living: Living) -> None:
    await living.guild.say("carol", "I like trains")
    await living.app.core.messages.flush()
    assert "blanked" in await living.ask("carol", "!optout")
    await living.guild.say("carol", "I like boats")
    assert set(await stored_texts(living)) <= {""}


async def test_opting_out_twice_says_that_it_is_so_already(living: Living) -> None:
    await living.ask("carol", "!optout")
    assert "already opted out" in await living.ask("carol", "!optout")


async def test_opting_in_stores_again_from_the_next_message_on(living: Living) -> None:
    assert "already opted in" in await living.ask("carol", "!optin")
    await living.ask("carol", "!optout")
    await living.guild.say("carol", "unheard")
    assert "You are opted in" in await living.ask("carol", "!optin")
    await living.guild.say("carol", "heard")
    texts = await stored_texts(living)
    assert "heard" in texts
    assert "unheard" not in texts


@pytest.mark.parametrize("prefix", ["", "wompbot_"])
async def test_slash_answers_are_for_the_person_alone(living: Living, prefix: str) -> None:
    [out] = await living.guild.slash("carol", f"{prefix}optout")
    [back] = await living.guild.slash("carol", f"{prefix}optin")
    assert out.ephemeral
    assert "You are opted out" in out.text
    assert back.ephemeral
    assert "You are opted in" in back.text


async def test_a_decision_is_about_the_person_who_takes_it(living: Living) -> None:
    await living.ask("carol", "!optout")
    await living.guild.say("bob", "I like boats")
    assert "I like boats" in await stored_texts(living)


async def test_a_decision_is_kept_as_proof(living: Living) -> None:
    await living.ask("carol", "!optout")
    await living.ask("carol", "!optin")
    actions = await living.app.core.db.fetch_all("SELECT action, person_id FROM audit_log ORDER BY id")
    carol = living.guild.member("carol").id
    assert actions == [("consent_withdrawn", carol), ("consent_given", carol)]


async def test_a_database_that_fails_changes_nothing_and_the_person_is_told(
    open_bot: Opener, bot_settings: BotSettings
) -> None:
    database = bot_settings.database.model_copy(update={"statement_timeout_s": 0.2})
    living = await open_bot(bot_settings.model_copy(update={"database": database}))
    async with living.app.core.db.transaction() as other:
        await other.execute("LOCK TABLE consents")
        assert "nothing was changed" in await living.ask("carol", "!optout")
    assert living.app.core.consent.allows(living.guild.member("carol").id)
