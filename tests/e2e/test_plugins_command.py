"""``wompbot plugins`` as an operator uses it, with a bot that runs and with none."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command_line import Outcome, Settings, Wompbot, start
from discord_server import TOKEN, DiscordServer
from wompbot_cogs.commands import menu
from wompcore.config import DatabaseSettings
from wompcore.llm.offline import offline_server


@pytest.fixture
def settings(database_settings: DatabaseSettings) -> Iterator[dict[str, dict[str, Any]]]:
    with tempfile.TemporaryDirectory(prefix="womp", dir="/tmp") as folder:  # a socket's path must be short
        yield {"database": {"url": database_settings.url}, "bot": {"control_dir": Path(folder) / "run"}}


@asynccontextmanager
async def running(settings: Settings, server: DiscordServer) -> AsyncIterator[None]:
    async with offline_server() as model:
        discord = {"token": TOKEN, "api_base": server.api_base}
        given = {**settings, "discord": discord, "llm": {"base_url": model.base_url}}
        process = await start("run", settings=given)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(60):
                while b"Invite it" not in (line := await process.stdout.readline()):
                    assert line, (await process.communicate())[1]
                await server.until(identified=1)
            yield
            process.terminate()
            _, complaints = await process.communicate()
            assert process.returncode == 0, complaints
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


def row_of(done: Outcome, plugin: str) -> dict[str, Any]:
    [row] = [row for row in done.json if row["id"] == plugin]
    return dict(row)


@pytest.mark.endurance(only=True)
async def test_a_running_bot_does_what_the_command_line_says(
    wompbot: Wompbot, settings: Settings, discord_server: DiscordServer
) -> None:
    async with running(settings, discord_server):
        before = row_of(await wompbot("plugins", "list", "--json", **settings), "claims")
        assert (before["state"], before["memory_bytes"] > 0) == ("live", True)

        swapped = await wompbot("plugins", "swap", "claims", **settings)
        assert (swapped.code, swapped.err) == (0, "")
        assert "runs in the place of the one before" in swapped.out
        after = row_of(await wompbot("plugins", "list", "--json", **settings), "claims")
        assert after["since"] > before["since"]

        assert (await wompbot("plugins", "unload", "claims", **settings)).code == 0
        shown = await wompbot("plugins", "list", **settings)
        assert shown.out.startswith("plugin ")
        assert "No bot runs" not in shown.out


async def test_without_a_bot_a_decision_is_written_down(wompbot: Wompbot, settings: Settings) -> None:
    unloaded = await wompbot("plugins", "unload", "claims", **settings)
    assert unloaded.code == 0, unloaded.err
    assert "No bot runs here" in unloaded.out
    assert "the next start does not load claims" in unloaded.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("load", "../../etc"), "no plugin's id"),
        (("swap", "chat\n"), "no plugin's id"),
        (("quarantine", "chat", "--reason", "a\nb"), "one line"),
    ],
)
def test_what_is_no_id_or_no_line_is_bad_input(arguments: tuple[str, ...], says: str) -> None:
    refused = CliRunner().invoke(menu(), ["plugins", *arguments])
    assert (refused.exit_code, says in refused.output) == (2, True), refused.output
