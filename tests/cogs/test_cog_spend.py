"""What was spent, shown to those it concerns."""

from __future__ import annotations

from booked_calls import ELSEWHERE, spend
from living_bot import OWNER, Living


async def test_a_real_call_is_in_the_month_so_far(living: Living) -> None:
    await living.ask("alice", "wompbot, who are you?")
    assert "(1 call, " in await living.ask("alice", "!spend")


async def privately(living: Living, name: str) -> str:
    [shown] = await living.guild.slash(name, "spend month")
    return shown.text


async def test_the_owner_sees_every_server_exactly(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    await spend(living, 2, "bob", "0.2")
    await spend(living, 3, "bob", "0.000004", guild_id=ELSEWHERE)
    shown = await privately(living, OWNER)
    assert "everywhere: $0.30** (3 calls, 3,030 tokens)" in shown
    assert f"- <@{living.guild.member('bob').id}>: $0.20 (2 calls)" in shown
    assert "- claim check: $0.30 (3 calls)" in shown
    assert "- small\\_\\*\\_model: $0.30" in shown
    assert "- claims: $0.30" in shown
    assert "- Simulated Guild: $0.30 (2 calls)" in shown
    assert f"- `{ELSEWHERE}`: $0.000004 (1 call)" in shown


async def test_an_admin_sees_their_server_only(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    await spend(living, 2, "bob", "0.2", guild_id=ELSEWHERE)
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('carol').id}>")
    shown = await privately(living, "carol")
    assert "this server: $0.10** (1 call" in shown
    assert str(living.guild.member("alice").id) in shown
    assert str(living.guild.member("bob").id) not in shown
    assert "By server" not in shown


async def test_where_everybody_reads_along_nobodys_spending_is_shown(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    await spend(living, 2, "bob", "0.2", guild_id=ELSEWHERE)
    shown = await living.ask(OWNER, "!spend")
    assert "this server: $0.10**" in shown
    assert "By person" not in shown
    assert "By server" not in shown


async def test_a_member_sees_what_was_spent_on_them(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    await spend(living, 2, "bob", "0.2")
    await spend(living, 3, "bob", "0.4", guild_id=ELSEWHERE)
    shown = await living.ask("bob", "!spend")
    assert "you in this server: $0.20** (1 call" in shown
    assert "\n" not in shown


async def test_people_who_opted_out_are_not_named(living: Living) -> None:
    await spend(living, 1, "carol", "0.1")
    await living.ask("carol", "!optout")
    shown = await privately(living, OWNER)
    assert "someone who opted out: $0.10" in shown
    assert str(living.guild.member("carol").id) not in shown


async def test_a_hostile_server_name_is_one_harmless_line(living: Living) -> None:
    await spend(living, 1, "alice", "0.1")
    server = living.app.bot.get_guild(living.guild.id)
    assert server is not None
    server.name = "*us*\u202e\n- all: @everyone"
    shown = await privately(living, OWNER)
    assert "- \\*us\\* - all: @\u200beveryone: $0.10 (1 call)" in shown


async def test_slash_answers_are_for_the_person_alone(living: Living) -> None:
    [shown] = await living.guild.slash("alice", "spend month")
    assert shown.ephemeral
    assert "$0.00" in shown.text
