"""Who may do what, and what a server decided."""

from __future__ import annotations

import pytest

from living_bot import OWNER, Living


def mention(living: Living, name: str) -> str:
    return f"<@{living.guild.member(name).id}>"


async def test_whoami_shows_name_id_and_level(living: Living) -> None:
    shown = await living.ask("al_ice", "!whoami")
    assert "al\\_ice" in shown
    assert str(living.guild.member("al_ice").id) in shown
    assert "level: member" in shown
    assert "admin: no" in shown
    assert "level: super admin" in await living.ask(OWNER, "!whoami")


async def test_whoami_shows_a_hostile_name_as_one_harmless_line(living: Living) -> None:
    shown = await living.ask("eve\u202e*x*\nlevel: super admin @everyone `y", "!whoami")
    assert "\u202e" not in shown
    assert "@everyone" not in shown
    assert shown.splitlines()[0].startswith("**eve\\*x\\* level: super admin @")
    assert [line for line in shown.splitlines() if line.startswith("level")] == ["level: member"]


async def test_an_admin_is_appointed_listed_and_dismissed(living: Living) -> None:
    alice = mention(living, "alice")
    assert "is a bot admin of this server now" in await living.ask(OWNER, f"!setadmin {alice}")
    assert "already" in await living.ask("alice", f"!setadmin {alice}")
    assert "admin: yes" in await living.ask("alice", "!whoami")
    listed = await living.ask("bob", "!admins")
    assert listed.startswith("Super admins: ")
    assert mention(living, OWNER) in listed
    assert f"Bot admins of this server: {alice}" in listed
    assert "is no longer" in await living.ask(OWNER, f"!removeadmin {alice}")
    assert "was not" in await living.ask(OWNER, f"!removeadmin {alice}")
    assert "Bot admins of this server: none" in await living.ask("bob", "!admins")


@pytest.mark.parametrize(
    ("command", "needed"),
    [("setadmin", "bot admin"), ("removeadmin", "server owner"), ("settings", "bot admin")],
)
async def test_a_member_is_refused_and_nothing_changes(living: Living, command: str, needed: str) -> None:
    await living.ask(OWNER, f"!setadmin {mention(living, 'alice')}")
    for text in (f"!{command} {mention(living, 'alice')}", f"!{command}"):
        assert f"for a {needed} or higher" in await living.ask("bob", text)
    assert living.app.guilds.admins(living.guild.id) == {living.guild.member("alice").id}


async def test_a_bot_admin_appoints_but_does_not_dismiss(living: Living) -> None:
    await living.ask(OWNER, f"!setadmin {mention(living, 'alice')}")
    assert "now" in await living.ask("alice", f"!setadmin {mention(living, 'bob')}")
    assert "for a server owner" in await living.ask("alice", f"!removeadmin {mention(living, 'bob')}")


async def test_bots_are_no_admins_and_super_admins_stay(living: Living) -> None:
    bot = f"<@{living.guild.bot_id}>"
    assert "bot cannot be an admin" in await living.ask(OWNER, f"!setadmin {bot}")
    assert "no server can change" in await living.ask(OWNER, f"!removeadmin {mention(living, OWNER)}")


async def test_slash_refusals_are_for_the_person_alone(living: Living) -> None:
    [refusal] = await living.guild.slash("bob", "setadmin", member=living.guild.member("bob"))
    assert refusal.ephemeral
    assert "for a bot admin" in refusal.text


async def test_settings_show_what_each_is_and_means(living: Living) -> None:
    shown = await living.ask(OWNER, "!settings")
    assert "`claims`: **on** - look for claims" in shown
    assert "`excluded_channels`: **none**" in shown
    assert "`administrators_are_admins`: **off**" in shown


async def test_a_switch_is_set_and_survives_a_restart(living: Living) -> None:
    assert "`claims` is off now" in await living.ask(OWNER, "!settings set claims off")
    assert "`claims`: **off**" in await living.ask(OWNER, "!settings")
    await living.app.guilds.reload()
    assert living.app.guilds.setting(living.guild.id, "claims") is False
    assert living.app.guilds.setting(5, "claims") is True


async def test_a_channel_is_excluded_and_included_again(living: Living) -> None:
    channel = living.guild.channel_id()
    assert "on the list" in await living.ask(OWNER, f"!settings add excluded_channels <#{channel}>")
    assert "already" in await living.ask(OWNER, f"!settings add excluded_channels <#{channel}>")
    assert f"<#{channel}>" in await living.ask(OWNER, "!settings")
    await living.guild.say("bob", "nobody keeps this")
    assert "no longer" in await living.ask(OWNER, f"!settings remove excluded_channels <#{channel}>")
    assert "was not" in await living.ask(OWNER, f"!settings remove excluded_channels <#{channel}>")
    await living.guild.say("bob", "somebody keeps this")
    await living.app.core.messages.flush()
    rows = await living.app.core.db.fetch_all("SELECT text FROM messages WHERE text LIKE '%keeps this'")
    assert rows == [("somebody keeps this",)]


async def test_slash_settings(living: Living) -> None:
    [answer] = await living.guild.slash(OWNER, "settings set", key="claims", value=False)
    assert "`claims` is off now" in answer.text
    [shown] = await living.guild.slash(OWNER, "settings show")
    assert "`claims`: **off**" in shown.text
    assert shown.ephemeral


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("set nonsense on", "There are: `claims`"),
        ("set claims perhaps", "!help settings set"),
        ("set excluded_channels on", "is a list"),
        ("add claims <#{channel}>", "is a switch"),
        ("add excluded_channels nowhere", "!help settings add"),
    ],
)
async def test_a_bad_setting_names_what_is_wrong(living: Living, text: str, problem: str) -> None:
    said = text.format(channel=living.guild.channel_id())
    assert problem in await living.ask(OWNER, f"!settings {said}")
    assert (
        await living.app.core.db.fetch_value("SELECT count(*) FROM guild_settings WHERE guild_id <> 0") == 0
    )
