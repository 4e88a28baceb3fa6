"""What is decided about plugins while no bot runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin_site import PluginSite
from wompbot_cogs.account import Account
from wompbot_cogs.control.listing import rows_at_rest
from wompbot_cogs.doctor_plugins import permissions_to_invite_with
from wompbot_cogs.errors import ConsentAwaited, NotGranted, PluginError
from wompbot_cogs.host.at_rest import Decision, decide_at_rest
from wompbot_cogs.settings import BotSettings
from wompcore.clock import SystemClock
from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.repos.plugins import PluginRepository, PluginWish


async def state(db: Database, plugin: str) -> str:
    return next(row.state for row in await rows_at_rest(db, SystemClock()) if row.id == plugin)


async def test_decisions_are_written_down_listed_and_kept_on_record(db: Database, site: PluginSite) -> None:
    site.install("hello")
    steps: list[tuple[Decision, str]] = [
        ("unload", "off"),
        ("load", "ready"),
        ("swap", "ready"),
        ("quarantine", "quarantined"),
        ("release", "ready"),
    ]
    for verb, then in steps:
        assert await decide_at_rest(db, verb, "hello", via="cli") == []
        assert await state(db, "hello") == then
    wish = (await PluginRepository(db).wishes())["hello"]
    assert (wish.enabled, wish.quarantined, wish.generation) == (True, False, 3)
    changes = [(change.verb, change.outcome, change.via) for change in await PluginRepository(db).changes()]
    assert changes == [(verb, "done", "cli") for verb, _ in reversed(steps)]


@pytest.mark.parametrize(
    ("verb", "plugin", "says"),
    [
        ("unload", "plugins", "loads the others"),
        ("quarantine", "plugins", "loads the others"),
        ("load", "nonesuch", "not installed"),
        ("release", "chat", "not in quarantine"),
    ],
)
async def test_what_cannot_be_is_refused_on_record(
    db: Database, verb: Decision, plugin: str, says: str
) -> None:
    with pytest.raises(PluginError, match=says):
        await decide_at_rest(db, verb, plugin, via="cli")
    [change] = await PluginRepository(db).changes()
    assert (change.verb, change.plugin, says in change.outcome) == (verb, plugin, True)


async def test_what_would_not_be_loaded_cannot_be_swapped(db: Database) -> None:
    await decide_at_rest(db, "unload", "claims", via="cli")
    with pytest.raises(PluginError, match="would not be loaded"):
        await decide_at_rest(db, "swap", "claims", via="cli")


async def test_what_waits_for_the_owner_is_not_loaded_and_listed_with_the_reason(
    db: Database, site: PluginSite
) -> None:
    site.install("greedy", needs=["costs"])
    with pytest.raises(ConsentAwaited):
        await decide_at_rest(db, "load", "greedy", via="cli")
    [row] = [row for row in await rows_at_rest(db, SystemClock()) if row.id == "greedy"]
    assert (row.state, "consent to costs" in row.problem) == ("failed", True)


async def test_processes_of_other_machines_are_named_as_those_that_follow(db: Database) -> None:
    await PluginRepository(db).report("elsewhere-7", {"chat": "1.0.0"})
    assert await decide_at_rest(db, "unload", "chat", via="cli") == ["elsewhere-7"]


async def test_a_load_at_rest_goes_beyond_the_list_and_an_unload_ends_that(
    db: Database, site: PluginSite
) -> None:
    site.install("hello")
    steps: list[tuple[Decision, str, str]] = [
        ("load", "ready", "loaded by hand, beyond bot.plugins"),
        ("unload", "off", "unloaded by hand"),
    ]
    for verb, then, told in steps:
        await decide_at_rest(db, verb, "hello", listed=["chat"], via="cli")
        rows = await rows_at_rest(db, SystemClock(), ["chat"])
        assert [(row.state, row.decision) for row in rows if row.id == "hello"] == [(then, told)]
        assert {row.decision for row in rows if row.id == "claims"} == {"left out by bot.plugins"}
    with pytest.raises(PluginError, match="would not be loaded"):
        await decide_at_rest(db, "swap", "claims", listed=["chat"], via="cli")


async def test_what_is_granted_at_rest_is_written_down_on_record(db: Database, site: PluginSite) -> None:
    site.install("hello", needs=["costs"])
    with pytest.raises(NotGranted, match="does not ask for 'privacy'") as refused:
        await decide_at_rest(db, "grant", "hello", "privacy", via="cli")
    assert "It asks for: costs" in refused.value.hint
    assert await state(db, "hello") == "failed"
    await decide_at_rest(db, "grant", "hello", "costs", via="cli")
    assert await state(db, "hello") == "ready"
    await decide_at_rest(db, "withdraw", "hello", "costs", via="cli")
    changes = [(change.verb, change.outcome) for change in await PluginRepository(db).changes()]
    assert changes[:2] == [("withdraw costs", "done"), ("grant costs", "done")]
    assert "does not ask" in changes[2][1]


async def test_the_bot_is_invited_with_what_plugins_that_are_to_run_declare(
    db: Database, database_settings: DatabaseSettings, site: PluginSite
) -> None:
    settings = BotSettings.model_validate({"database": {"url": database_settings.url}})
    assert await permissions_to_invite_with(settings) == frozenset()
    site.install("judge", permissions=["ban_members", "send_messages"])
    site.install("usher", permissions=["kick_members"])
    assert await permissions_to_invite_with(settings) == {"ban_members", "send_messages", "kick_members"}
    await decide_at_rest(db, "unload", "usher", via="cli")
    agreed = PluginWish("judge", "1", enabled=True, granted=("message_content", "permission:ban_members"))
    await PluginRepository(db).wish(agreed, by_id=None)
    assert await permissions_to_invite_with(settings) == {"ban_members"}  # the rest waits for the owner
    elsewhere = settings.model_copy(update={"bot": settings.bot.model_copy(update={"plugins": ("chat",)})})
    assert await permissions_to_invite_with(elsewhere) == frozenset()


async def test_without_a_database_the_invitation_follows_the_settings(
    site: PluginSite, tmp_path: Path
) -> None:
    site.install("judge", permissions=["ban_members"])
    site.install("usher", permissions=["kick_members"])
    settings = BotSettings.model_validate(
        {"database": {"url": f"postgresql:///none?host={tmp_path}"}, "bot": {"plugins": ["judge"]}}
    )
    assert await permissions_to_invite_with(settings) == {"ban_members"}


def test_the_invitation_adds_what_is_declared_to_what_the_bot_came_with() -> None:
    account = Account(1, "wompbot", 2, ())
    plain, more = (
        int(account.invite_url(names).rpartition("permissions=")[2])
        for names in ([], ["ban_members", "send_messages"])
    )
    assert (plain, more) == (414464723008, 414464723008 | 1 << 2)
