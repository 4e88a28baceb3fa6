"""``wompbot plugins`` as an operator uses it, with a bot that runs and with none."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command_line import WOMPBOT, Outcome, Settings, Wompbot, start
from discord_server import TOKEN, DiscordServer
from plugin_venv import LAYOUTS, Place, place, project, wheel
from wompbot_cogs.commands import menu
from wompcore.config import DatabaseSettings
from wompcore.llm.offline import offline_server

__all__ = ["place"]


@pytest.fixture
def settings(database_settings: DatabaseSettings) -> Iterator[dict[str, dict[str, Any]]]:
    with tempfile.TemporaryDirectory(prefix="womp", dir="/tmp") as folder:  # a socket's path must be short
        yield {"database": {"url": database_settings.url}, "bot": {"control_dir": Path(folder) / "run"}}


@asynccontextmanager
async def running(
    settings: Settings, server: DiscordServer, program: Sequence[object] = (WOMPBOT,)
) -> AsyncIterator[None]:
    async with offline_server() as model:
        discord = {"token": TOKEN, "api_base": server.api_base}
        given = {**settings, "discord": discord, "llm": {"base_url": model.base_url}}
        process = await start("run", settings=given, program=program)
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


@pytest.mark.endurance(only=True)
@pytest.mark.parametrize("layout", ["a wheel", *LAYOUTS])
async def test_what_pip_installs_updates_and_removes_is_followed_by_a_running_bot(
    wompbot: Wompbot,
    settings: Settings,
    discord_server: DiscordServer,
    place: Place,
    tmp_path: Path,
    layout: str,
) -> None:
    async def says(*arguments: str) -> str:
        done = await wompbot("plugins", *arguments, **settings)
        return done.out + done.err

    async def install(version: str, folder: str = "one") -> None:
        if layout == "a wheel":
            await asyncio.to_thread(place.install, wheel(tmp_path, version))
        else:
            made = project(tmp_path / folder, version, layout)
            await asyncio.to_thread(place.install, made, "--editable")

    async def answer() -> str:
        await discord_server.say("!hello")
        return await discord_server.reply()

    program = [place.python, "-c", "from wompbot_cogs.cli import main; main()"]
    async with running(settings, discord_server, program):
        assert "not installed" in await says("load", "hello")
        await install("1")
        assert "hello 1 is loaded" in await says("load", "hello")
        assert await answer() == "hello from 1"
        await install("2")
        assert "hello 2 runs" in await says("swap", "hello")
        assert await answer() == "hello from 2"
        await install("2", "elsewhere")  # the same version, an editable one from another folder
        shutil.rmtree(tmp_path / "one", ignore_errors=True)
        assert "hello 2 runs" in await says("swap", "hello")
        assert await answer() == "hello from 2"
        await asyncio.to_thread(place.pip, "uninstall", "-y", "hello-plugin")
        assert "not installed" in await says("swap", "hello")
        assert await answer() == "hello from 2"  # what runs, runs on
        assert "is unloaded" in await says("unload", "hello")
        rows = (await wompbot("plugins", "list", "--json", **settings)).json
        assert "hello" not in {row["id"] for row in rows}


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
