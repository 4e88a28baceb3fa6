from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from command_line import Wompbot
from discord_server import TOKEN, DiscordServer
from wompbot_cogs.doctor import examine
from wompbot_cogs.finding import Finding
from wompbot_cogs.settings import BotSettings
from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.llm.offline import Fault, offline_server
from wompcore.repos.breakers import BreakerRepository

SECRET = "sk-not-for-any-log"


def settings_with(**sections: dict[str, Any]) -> BotSettings:
    return BotSettings.model_validate(sections)


async def look(subject: str, **sections: dict[str, Any]) -> list[Finding]:
    return await examine(settings_with(**sections), only=[subject])


# -- the model endpoint --------------------------------------------------------------------------


async def test_a_model_endpoint_that_answers_is_good() -> None:
    async with offline_server() as model:
        [found] = await look("model", llm={"base_url": model.base_url})
    assert found.good


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(body=b"<!doctype html><title>Welcome</title>"), "a web page"),
        (Fault(status=401, body=b'{"error": {"message": "no such key"}}'), "401"),
        (Fault(status=429, body=b"slow down"), "429"),
        (Fault(body=b" "), "nothing"),
        (Fault(disconnect=True), ""),
    ],
    ids=["html", "401", "429", "empty", "hangs up"],
)
async def test_a_model_endpoint_at_fault_is_one_line_with_a_remedy(fault: Fault, says: str) -> None:
    async with offline_server(faults=[fault] * 9) as model:
        [found] = await look("model", llm={"base_url": model.base_url, "api_key": SECRET})
    assert not found.good
    assert says in found.detail
    assert found.hint
    assert SECRET not in found.detail + found.hint


async def test_a_model_endpoint_that_is_not_there_is_bad(unused_port: int) -> None:
    [found] = await look("model", llm={"base_url": f"http://127.0.0.1:{unused_port}/v1"})
    assert (found.good, bool(found.hint)) == (False, True)


# -- the database --------------------------------------------------------------------------------


async def test_a_migrated_database_is_good(database_settings: DatabaseSettings) -> None:
    database, migrations = await look("database", database={"url": database_settings.url})
    assert database.good
    assert database.detail.startswith("PostgreSQL ")
    assert (migrations.good, migrations.detail) == (True, "all applied")


async def test_a_migration_that_was_edited_is_bad(database_settings: DatabaseSettings) -> None:
    async with Database.open(database_settings) as db:
        await db.execute("UPDATE schema_migrations SET checksum = 'other' WHERE number = 1")
    _, migrations = await look("database", database={"url": database_settings.url})
    assert not migrations.good
    assert "edited" in migrations.detail


async def test_looking_at_an_empty_database_changes_nothing(postgres: Any) -> None:
    with postgres.database(template="template1") as empty:
        for _ in range(2):
            _, migrations = await look("database", database={"url": empty.url})
            assert "to apply" in migrations.detail


async def test_a_database_that_is_not_there_is_bad(unused_port: int) -> None:
    [found] = await look("database", database={"url": f"postgresql://127.0.0.1:{unused_port}/womp"})
    assert (found.good, bool(found.hint)) == (False, True)


# -- Discord -------------------------------------------------------------------------------------


async def test_a_good_token_has_its_name_and_invitation(discord_server: DiscordServer) -> None:
    token, intents = await look("token", discord={"token": TOKEN, "api_base": discord_server.api_base})
    assert token.good
    assert "wompbot, invited at https://discord.com/oauth2/authorize?client_id=" in token.detail
    assert intents.good


async def test_an_intent_that_is_off_is_bad(discord_server: DiscordServer) -> None:
    discord_server.flags = 0
    _, intents = await look("token", discord={"token": TOKEN, "api_base": discord_server.api_base})
    assert not intents.good
    assert "Message Content Intent" in intents.detail


async def test_without_message_content_no_privileged_intent_is_asked_for(
    discord_server: DiscordServer,
) -> None:
    discord_server.flags = 0
    account = {"token": TOKEN, "api_base": discord_server.api_base, "message_content": False}
    _, intents = await look("token", discord=account)
    assert intents.good
    assert "mentions and slash only" in intents.detail


async def test_a_breaker_that_processes_share_is_told(database_settings: DatabaseSettings) -> None:
    sections = {"database": {"url": database_settings.url}, "llm": {"shared_breaker": True}}
    [closed] = await look("breakers", **sections)
    assert (closed.good, closed.detail) == (True, "all closed")
    async with Database.open(database_settings) as db:
        await BreakerRepository(db).open("https://api.example/v1", "m-1", 30)
    [open_] = await look("breakers", **sections)
    assert not open_.good
    assert open_.detail.startswith("m-1 at https://api.example/v1 open for ")


async def test_where_nothing_tells_of_breakers_it_says_what_to_set() -> None:
    [found] = await look("breakers")
    assert found.good
    assert "metrics.port" in found.detail


# -- all of it -----------------------------------------------------------------------------------


async def test_a_plugin_that_is_asked_for_and_not_installed_is_bad() -> None:
    [found] = await look("plugins", bot={"plugins": ["no-such-plugin"]})
    assert (found.good, found.detail) == (False, "not installed")


async def test_a_healthy_bot_is_green_from_top_to_bottom(
    wompbot: Wompbot, discord_server: DiscordServer, database_settings: DatabaseSettings
) -> None:
    async with offline_server() as model:
        done = await wompbot(
            "doctor",
            database={"url": database_settings.url},
            discord={"token": TOKEN, "api_base": discord_server.api_base},
            llm={"base_url": model.base_url},
        )
    marks = [line.split()[:2] for line in done.out.splitlines()]
    subjects = ["database", "migrations", "model", "breakers", "token", "intents", "plugins", "running"]
    assert marks == [["good", subject] for subject in subjects]
    assert (done.code, done.err) == (0, "")


async def test_a_bot_with_nothing_is_red_without_a_traceback(wompbot: Wompbot, unused_port: int) -> None:
    done = await wompbot(
        "doctor",
        "--json",
        database={"url": f"postgresql://127.0.0.1:{unused_port}/womp"},
        llm={"base_url": f"http://127.0.0.1:{unused_port}/v1"},
    )
    assert done.code == 1
    bad = [finding["subject"] for finding in done.json if not finding["good"]]
    assert bad == ["database", "model", "token"]
    assert all(finding["hint"] for finding in done.json if not finding["good"])
    assert done.err == ""


async def test_silence_is_told_within_the_time(discord_server: DiscordServer) -> None:
    from wompbot_cogs import doctor

    async def silent() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    [found] = await doctor._in_time("model", silent(), 0.01)
    assert (found.good, found.detail) == (False, "no answer within 0 s")


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that is taken and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
