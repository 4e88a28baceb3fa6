"""Claims: found while people talk, shown and ruled on when asked."""

from __future__ import annotations

from living_bot import OWNER, Living
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at
from wompcore.repos.claims import ClaimRepository

CLAIM = "I guarantee that the new kernel will never crash on this laptop before 2031"


async def claim(living: Living, name: str, text: str = CLAIM, channel: str | None = None) -> int:
    """Say something that may become a claim; return the message's id."""
    message_id = await living.guild.say(name, text, channel=channel)
    await living.app.core.claims.settled()
    return message_id


async def receipts(living: Living, text: str = "!receipts", name: str = "alice") -> str:
    """Ask for receipts; return everything the answer shows."""
    await living.guild.say(name, text)
    answer = living.guild.answers()[-1]
    parts = [answer.text]
    for embed in answer.embeds:
        parts += [embed.description or "", embed.footer.text or ""]
    return "\n".join(parts)


async def store(living: Living, number: int, *, guild_id: int | None = None, text: str = CLAIM) -> None:
    """Put a claim of dave's on record that nobody said here."""
    at = living.app.core.clock.now()
    message = ChatMessage(snowflake_at(at, number), 1, 77, "dave", text, guild_id or living.guild.id)
    book = ClaimRepository(living.app.core.db)
    assert await book.begin_check(message)
    assert await book.store(message, text=text, kind="fact", confidence="certain")


async def test_a_claim_is_caught_and_shown_with_its_number(living: Living) -> None:
    await claim(living, "bob")
    shown = await receipts(living)
    assert "`#1` **bob**" in shown
    assert "crash on this laptop" in shown
    assert "❔" in shown
    assert "1 of 1 claims" in shown


async def test_a_cost_of_a_claim_carries_who_said_it(living: Living) -> None:
    await claim(living, "bob")
    rows = await living.app.core.db.fetch_all("SELECT purpose, person_id, guild_id FROM cost_entries")
    assert rows == [("claim_check", living.guild.member("bob").id, living.guild.id)]


async def test_what_is_said_to_the_bot_is_no_claim(living: Living) -> None:
    await claim(living, "bob", f"wompbot, {CLAIM}")
    await claim(living, "bob", f"!wb {CLAIM}")
    assert living.app.core.claims.counts.screened == 0


async def test_a_server_can_switch_claims_off(living: Living) -> None:
    assert "off" in await living.ask(OWNER, "!settings set claims off")
    await claim(living, "bob")
    assert "no claims" in await receipts(living)


async def test_an_excluded_channel_has_no_claims(living: Living) -> None:
    channel_id = living.guild.channel_id()
    await living.ask(OWNER, f"!settings add excluded_channels <#{channel_id}>")
    await claim(living, "bob")
    assert living.app.core.claims.counts.screened == 0


async def test_an_edit_is_shown_and_marked(living: Living) -> None:
    message_id = await claim(living, "bob")
    await living.guild.edit(message_id, "I guarantee that it will never crash before 2050")
    await living.app.core.claims.settled()
    shown = await receipts(living)
    assert "before 2050" in shown
    assert "(edited)" in shown


async def test_a_deleted_message_takes_its_claim_along(living: Living) -> None:
    message_id = await claim(living, "bob")
    await living.guild.delete(message_id)
    await living.app.core.claims.settled()
    assert "no claims" in await receipts(living)


async def test_receipts_can_be_those_of_a_member_or_with_a_word(living: Living) -> None:
    await claim(living, "bob")
    await claim(living, "carol", "I promise that taxes will never go up by 2030 in this country")
    bob = living.guild.member("bob").id
    assert "carol" not in await receipts(living, f"!receipts <@{bob}>")
    assert "bob" not in await receipts(living, "!claims taxes will")
    assert "that fit" in await receipts(living, f"!receipts <@{bob}> taxes")


async def test_slash_receipts_take_a_member(living: Living) -> None:
    await claim(living, "bob")
    [shown] = await living.guild.slash("alice", "receipts", member=living.guild.member("bob"))
    assert "bob" in (shown.embeds[0].description or "")


async def test_claims_of_another_server_are_not_shown(living: Living) -> None:
    await store(living, 1, guild_id=5)
    assert "no claims" in await receipts(living)
    assert "no claim #1 here" in await living.ask(OWNER, "!verify 1 true")


async def test_claims_of_people_who_opted_out_are_not_shown(living: Living) -> None:
    await claim(living, "bob")
    await living.ask("bob", "!optout")
    assert "crash" not in await receipts(living)
    assert "no claim #1 here" in await living.ask(OWNER, "!verify 1 true")


async def test_a_page_is_the_newest_ten_and_fits(living: Living) -> None:
    for number in range(12):
        await store(living, number, text=f"claim {number} " + "*long* @everyone " * 100)
    shown = await receipts(living)
    assert "10 of 12 claims" in shown
    assert "claim 11 " in shown
    assert "claim 1 " not in shown
    assert "@everyone" not in shown


async def test_an_admin_rules_and_is_named(living: Living) -> None:
    await claim(living, "bob")
    answer = await living.ask(OWNER, "!verify #1 false it crashed *today*")
    assert "❌ `#1`" in answer
    assert f"<@{living.guild.member(OWNER).id}>" in answer
    assert "it crashed \\*today\\*" in answer
    assert "❌" in await receipts(living)
    ruled = await living.app.core.db.fetch_one("SELECT ruling, ruled_by FROM claims")
    assert ruled == ("false", living.guild.member(OWNER).id)


async def test_nobody_rules_without_the_right_or_on_their_own(living: Living) -> None:
    await claim(living, "bob")
    assert "bot admin" in await living.ask("alice", "!verify 1 true")
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('bob').id}>")
    assert "claim of their own" in await living.ask("bob", "!verify 1 true")
    assert await living.app.core.db.fetch_value("SELECT ruling FROM claims") == "unverified"


async def test_a_bad_ruling_says_how_it_is_done(living: Living) -> None:
    for text in ("!verify", "!verify one true", "!verify 1 perhaps", f"!verify {10**30} true"):
        assert "!help verify" in await living.ask(OWNER, text)


async def test_slash_rulings_say_what_is_wrong(living: Living) -> None:
    [answer] = await living.guild.slash(OWNER, "verify", claim="7", ruling="true")
    assert "no claim #7 here" in answer.text


async def test_a_server_can_look_closer_for_claims(living: Living) -> None:
    weak = "everyone in that league is overpaid"
    await claim(living, "bob", weak)
    assert living.app.core.claims.counts.fires == 0
    await living.ask(OWNER, "!claimfilter threshold thorough")
    await claim(living, "bob", weak)
    assert living.app.core.claims.counts.fires == 1
