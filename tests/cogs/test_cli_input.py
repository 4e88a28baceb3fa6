"""What the command line does with what it is given: names it, hints, and ends with the right code."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Wompbot
from discord_server import TOKEN, DiscordServer
from wompbot_cogs.errors import PORTAL


async def test_an_unknown_variable_is_named(wompbot: Wompbot) -> None:
    done = await wompbot("doctor", discord={"tokn": "x"})
    assert done.code == 2
    assert done.err.startswith("error: WOMPBOT_DISCORD__TOKN: unknown setting\n hint: ")


async def test_a_bad_value_is_named(wompbot: Wompbot) -> None:
    done = await wompbot("doctor", database={"pool_max": "many"})
    assert done.code == 2
    assert "WOMPBOT_DATABASE__POOL_MAX" in done.err


async def test_an_unknown_key_of_the_file_is_named(wompbot: Wompbot, tmp_path: Path) -> None:
    (tmp_path / "wompbot.toml").write_text('[discord]\ntokn = "x"\n')
    done = await wompbot("doctor")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: discord.tokn: unknown setting")


async def test_a_settings_file_that_is_missing_is_bad_input(wompbot: Wompbot) -> None:
    done = await wompbot("doctor", "--config", "nowhere.toml")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: nowhere.toml: no such file")


async def test_an_unknown_option_is_bad_input(wompbot: Wompbot) -> None:
    assert (await wompbot("run", "--fast")).code == 2


async def test_a_missing_token_says_where_to_get_one(wompbot: Wompbot) -> None:
    done = await wompbot("run")
    assert done.code == 2
    assert done.err.startswith("error: No bot token is set.\n hint: ")
    assert PORTAL in done.err
    assert "WOMPBOT_DISCORD__TOKEN" in done.err


async def test_a_refused_token_is_one_line_and_a_remedy(
    wompbot: Wompbot, discord_server: DiscordServer
) -> None:
    done = await wompbot("run", discord={"token": "wrong", "api_base": discord_server.api_base})
    assert done.code == 1
    assert done.err.startswith("error: Discord refused the bot token.\n hint: Press 'Reset Token'")
    assert done.err.count("\n") == 2


async def test_intents_that_are_off_are_named_before_anything_is_opened(
    wompbot: Wompbot, discord_server: DiscordServer
) -> None:
    discord_server.flags = 0
    done = await wompbot("run", discord={"token": TOKEN, "api_base": discord_server.api_base})
    assert done.code == 1
    assert "privileged intents are switched off: 'Message Content Intent'" in done.err
    assert f"{PORTAL}/" in done.err
    assert discord_server.identified == []


@pytest.mark.parametrize("api_base", ["http://127.0.0.1:9/api/v10", "http://no-such-host.invalid"])
async def test_a_server_that_cannot_be_reached_is_one_line(wompbot: Wompbot, api_base: str) -> None:
    done = await wompbot("run", discord={"token": TOKEN, "api_base": api_base})
    assert (done.code, done.err.splitlines()[0]) == (1, f"error: {api_base} cannot be reached")


async def test_a_server_that_is_not_discord_is_one_line(
    wompbot: Wompbot, discord_server: DiscordServer
) -> None:
    elsewhere = discord_server.api_base.removesuffix("/api/v10")
    done = await wompbot("run", discord={"token": TOKEN, "api_base": elsewhere})
    assert (done.code, done.err.splitlines()[0]) == (1, f"error: {elsewhere} does not answer as Discord does")


async def test_a_database_that_cannot_be_reached_is_one_line(
    wompbot: Wompbot, discord_server: DiscordServer
) -> None:
    done = await wompbot(
        "run",
        discord={"token": TOKEN, "api_base": discord_server.api_base},
        database={"url": "postgresql://womp:secret@127.0.0.1:9/womp"},
    )
    assert done.code == 1
    assert done.err.startswith("error: the database at 127.0.0.1:9/womp cannot be reached")
    assert done.err.count("\n") == 2
    assert "secret" not in done.err
    assert discord_server.identified == []


async def test_json_gets_an_error_object_too(wompbot: Wompbot) -> None:
    done = await wompbot("run", "--json")
    assert done.code == 2
    assert done.json["error"] == "No bot token is set."
    assert done.json["hint"]


async def test_only_debug_shows_the_traceback(wompbot: Wompbot) -> None:
    assert "Traceback" not in (await wompbot("run")).err
    assert "Traceback" in (await wompbot("run", "--debug")).err
