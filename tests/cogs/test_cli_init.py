from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from command_line import Outcome, Wompbot
from discord_server import TOKEN, DiscordServer
from wompbot_cogs.settings import BotSettings
from wompcore.config import DatabaseSettings, load_settings
from wompcore.llm.offline import OfflineServer, offline_server


@pytest.fixture
async def model() -> AsyncIterator[OfflineServer]:
    async with offline_server(api_key="sk-local") as server:
        yield server


async def init(wompbot: Wompbot, server: DiscordServer, *arguments: object, typed: str = "") -> Outcome:
    return await wompbot("init", *arguments, typed=typed, discord={"api_base": server.api_base})


async def test_answers_become_a_settings_file_that_was_tried(
    wompbot: Wompbot, discord_server: DiscordServer, model: OfflineServer, tmp_path: Path
) -> None:
    answers = [TOKEN, "11, 22", model.base_url, "sk-local", "offline-1", ""]
    done = await init(wompbot, discord_server, typed="\n".join(answers) + "\n")
    assert done.code == 0, done.err
    assert "good  token" in done.out
    assert "good  model" in done.out
    assert TOKEN not in done.out + done.err

    file = tmp_path / "wompbot.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "# Bot token, from the developer portal." in file.read_text()
    settings = load_settings(BotSettings, file=file, environ={})
    assert settings.discord.token.get_secret_value() == TOKEN
    assert settings.discord.owner_ids == {11, 22}
    assert settings.llm.base_url == model.base_url


async def test_options_answer_instead_of_a_person(
    wompbot: Wompbot, discord_server: DiscordServer, model: OfflineServer
) -> None:
    options = ["--token", TOKEN, "--base-url", model.base_url, "--api-key", "sk-local", "--yes", "--json"]
    done = await init(wompbot, discord_server, *options)
    assert done.code == 0, done.err
    assert [check["subject"] for check in done.json["checks"]] == ["model", "token", "intents"]


async def test_a_refused_key_is_told_and_the_file_is_kept(
    wompbot: Wompbot, discord_server: DiscordServer, model: OfflineServer, tmp_path: Path
) -> None:
    options = ["--token", TOKEN, "--base-url", model.base_url, "--api-key", "wrong", "--yes"]
    done = await init(wompbot, discord_server, *options)
    assert done.code == 1
    assert "bad   model" in done.out
    assert (tmp_path / "wompbot.toml").exists()


async def test_a_file_that_exists_is_kept_unless_forced(
    wompbot: Wompbot, discord_server: DiscordServer, model: OfflineServer, tmp_path: Path
) -> None:
    file = tmp_path / "wompbot.toml"
    file.write_text("# mine\n")
    refused = await init(wompbot, discord_server, "--yes")
    assert (refused.code, file.read_text()) == (2, "# mine\n")
    assert "--force" in refused.err
    await init(wompbot, discord_server, "--yes", "--force", "--token", TOKEN, "--base-url", model.base_url)
    assert TOKEN in file.read_text()


@pytest.mark.endurance(only=True)
async def test_a_database_is_tried_too(
    wompbot: Wompbot, discord_server: DiscordServer, model: OfflineServer, database_settings: DatabaseSettings
) -> None:
    options = ["--token", TOKEN, "--base-url", model.base_url, "--api-key", "sk-local", "--yes"]
    done = await init(wompbot, discord_server, *options, "--database-url", database_settings.url)
    assert done.code == 0, done.err
    assert "good  database" in done.out
    nowhere = "postgresql://womp:secret@127.0.0.1:9/womp"
    done = await init(wompbot, discord_server, *options, "--force", "--database-url", nowhere)
    assert done.code == 1
    assert "bad   database" in done.out
    assert "cannot be reached" in done.out
    assert "secret" not in done.out + done.err


async def test_a_file_in_a_missing_folder_is_named_before_anything_is_asked(
    wompbot: Wompbot, discord_server: DiscordServer, tmp_path: Path
) -> None:
    file = tmp_path / "nowhere" / "wompbot.toml"
    done = await init(wompbot, discord_server, "--config", file)
    assert (done.code, done.err) == (2, f"error: {file}: no such folder\n")


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (["--owner", "ann"], "discord.owner_ids"),
        (["--database-url", "foo://x"], "database.url: not a PostgreSQL URL"),
    ],
)
async def test_a_bad_answer_is_named_and_nothing_is_written(
    wompbot: Wompbot, discord_server: DiscordServer, tmp_path: Path, answer: list[str], named: str
) -> None:
    done = await init(wompbot, discord_server, "--yes", *answer)
    assert done.code == 2
    assert done.err.startswith(f"error: {named}")
    assert [name for name in os.listdir(tmp_path) if name.startswith("wompbot")] == []
