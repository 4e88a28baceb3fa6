"""The owner's socket: who may ask what, and what a hostile client meets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from living_bot import OWNER, Living
from plugin_site import PluginSite
from wompbot_cogs.commands.plugins import _shown
from wompbot_cogs.control.client import ask
from wompbot_cogs.control.place import make_folder, socket_of_this_process
from wompbot_cogs.control.request import LINE_BYTES, Request
from wompbot_cogs.control.server import owner_socket
from wompbot_cogs.doctor_plugins import look_at_running_plugins
from wompbot_cogs.errors import ControlRefused, ControlUnavailable, PluginError
from wompbot_cogs.settings import BotSettings


@pytest.fixture
def bot_settings(bot_settings: BotSettings) -> Iterator[BotSettings]:
    with tempfile.TemporaryDirectory(prefix="womp", dir="/tmp") as folder:  # a socket's path must be short
        bot = bot_settings.bot.model_copy(update={"control_dir": Path(folder) / "run"})
        yield bot_settings.model_copy(update={"bot": bot})


@pytest.fixture
async def listening(living: Living) -> AsyncIterator[Living]:
    async with owner_socket(living.app):
        yield living


async def send(living: Living, line: bytes, *, then_hang_up: bool = False) -> Any:
    reader, writer = await asyncio.open_unix_connection(socket_of_this_process(living.app.settings))
    writer.write(line)
    if then_hang_up:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return json.loads(answer)


async def record(living: Living) -> list[tuple[str, str, str, str]]:
    changes = await living.app.core.repos.plugins.changes()
    return [(change.verb, change.plugin, change.via, change.outcome) for change in changes]


ME = f"cli uid {os.geteuid()}"


async def test_every_verb_does_what_it_says_and_is_kept_on_record(
    listening: Living, site: PluginSite
) -> None:
    site.install("hello", needs=["costs"])
    app = listening.app

    async def state(**request: str) -> str:
        reply = await ask(app.settings, Request.model_validate({"plugin": "hello", **request}))
        assert reply is not None
        return next(state.state for state in app.host.states() if state.id == "hello")

    assert await state(verb="grant", name="costs") == "off"
    assert await state(verb="load") == "live"
    site.install("hello", needs=["costs"], version="2")
    assert await state(verb="swap") == "live"
    assert await state(verb="quarantine", reason="too loud") == "quarantined"
    assert await state(verb="release") == "live"
    assert await state(verb="unload") in ("off", "draining")
    assert await state(verb="withdraw", name="costs") in ("off", "draining")
    verbs = ["withdraw costs", "unload", "release", "quarantine", "swap", "load", "grant costs"]
    assert (await record(listening))[: len(verbs)] == [(verb, "hello", ME, "done") for verb in verbs]


async def test_the_list_tells_state_memory_and_spending(listening: Living) -> None:
    reply = await ask(listening.app.settings, Request(verb="list"))
    assert reply is not None
    rows = {row["id"]: row for row in reply["plugins"]}
    assert rows["chat"]["state"] == "live"
    assert rows["chat"]["memory_bytes"] > 10_000
    assert float(rows["chat"]["spent_usd"]) == 0
    assert (await record(listening))[0] == ("list", "", ME, "done")


UNWELL = """
from wompbot_cogs import Health, Plugin, hookimpl

class Body:
    def __init__(self, context):
        pass

    @hookimpl
    def health(self):
        return Health(False, "no key is set")

plugin = Plugin(hooks=[Body])
"""


async def test_how_plugins_find_themselves_is_listed_and_told_by_the_doctor(
    listening: Living, site: PluginSite
) -> None:
    [well] = await look_at_running_plugins(listening.app.settings)
    assert (well.good, "plugins are live" in well.detail) == (True, True)
    site.install("sick", UNWELL)
    site.install("strict", permissions=["ban_members", "administrator"])
    await listening.app.host.load("strict")
    site.install("broken", "raise ValueError('no')")
    await listening.app.host.load("sick")
    with pytest.raises(PluginError):
        await listening.app.host.load("broken")
    await listening.app.bot.slash.close()  # what loading set off, which would end well
    listening.app.bot.slash.problem = "Discord said no"
    lacks = f"administrator in Simulated Guild ({listening.guild.id})"  # it may ban
    reply = await ask(listening.app.settings, Request(verb="list"))
    assert reply is not None
    assert {row["id"]: row["lacks"] for row in reply["plugins"] if row["lacks"]} == {"strict": [lacks]}
    assert [_shown(row)[-1] for row in reply["plugins"] if row["lacks"]] == [
        f"A plugin of a test.; lacks {lacks}"
    ]
    [row] = [row for row in reply["plugins"] if row["id"] == "sick"]
    assert (row["state"], row["well"], row["health"]) == ("live", False, "no key is set")
    found = {
        (finding.subject, finding.detail) for finding in await look_at_running_plugins(listening.app.settings)
    }
    assert found == {
        ("plugin sick", "live: no key is set"),
        ("plugin broken", "failed: ValueError: no"),
        ("plugin strict", f"lacks {lacks}"),
        ("commands", "Discord said no"),
    }
    told = await listening.ask(OWNER, "!plugins health")
    assert "🔴 **broken** `ValueError: no`" in told
    assert "🔴 **sick** `no key is set`" in told


async def test_what_is_not_installed_cannot_be_asked_for(listening: Living) -> None:
    with pytest.raises(ControlRefused, match="not installed"):
        await ask(listening.app.settings, Request(verb="load", plugin="os"))
    assert (await record(listening))[0] == ("load", "os", ME, "not installed")


async def test_what_the_host_refuses_is_told_with_its_remedy(listening: Living) -> None:
    with pytest.raises(ControlRefused, match="cannot unload itself") as refused:
        await ask(listening.app.settings, Request(verb="unload", plugin="plugins"))
    assert refused.value.hint == "Swap it instead."


HOSTILE = [
    b"\n",
    b"swap chat\n",
    b"[]\n",
    b"null\n",
    b'{"verb": "exec", "plugin": "chat"}\n',
    b'{"verb": "load"}\n',
    b'{"verb": "list", "plugin": "chat"}\n',
    b'{"verb": "load", "plugin": "../chat"}\n',
    b'{"verb": "load", "plugin": "chat\\n"}\n',
    b'{"verb": "load", "plugin": "chat", "path": "/etc/passwd"}\n',
    b'{"verb": "load", "plugin": ["chat"]}\n',
    b'{"verb": "grant", "plugin": "chat"}\n',
    b'{"verb": "quarantine", "plugin": "chat", "reason": "a\\u0000b"}\n',
    b'{"verb": "load", "plugin": "\\ud800"}\n',
    b"\xff\xfe\x00\n",
    b"[" * (LINE_BYTES - 1) + b"\n",
    b'{"verb": "list"' + b" " * LINE_BYTES + b"}\n",
]


async def test_a_hostile_line_is_refused_on_record_and_changes_nothing(listening: Living) -> None:
    before = listening.app.host.states()
    for number, line in enumerate(HOSTILE, start=1):
        reply = await send(listening, line)
        assert (reply["ok"], bool(reply["error"])) == (False, True), line
        refused = [row for row in await record(listening) if row[:3] == ("refused", "", ME)]
        assert len(refused) == number
    assert listening.app.host.states() == before


async def test_who_hangs_up_early_is_refused(listening: Living) -> None:
    reply = await send(listening, b'{"verb": "unload", "plugin": "chat"}', then_hang_up=True)
    assert reply["error"] == "no whole line came"


async def test_another_user_of_the_machine_may_not_ask(living: Living) -> None:
    app = living.app
    async with owner_socket(app, uids={os.geteuid() + 1}):
        with pytest.raises(ControlRefused, match="only the user who runs the bot"):
            await ask(app.settings, Request(verb="unload", plugin="chat"))
    assert (await record(living))[0][:3] == ("refused", "", ME)
    assert "chat" in {state.id for state in app.host.states() if state.state == "live"}


async def test_too_many_at_once_are_refused_and_the_others_answered(listening: Living) -> None:
    path = socket_of_this_process(listening.app.settings)
    waiting = [await asyncio.open_unix_connection(path) for _ in range(8)]
    reply = await send(listening, b'{"verb": "list"}\n')
    assert reply["error"] == "too many requests at once"
    for reader, writer in waiting:
        writer.write(b'{"verb": "list"}\n')
        assert json.loads(await reader.read())["ok"]
        writer.close()


async def test_folder_and_socket_are_the_owners_alone_and_the_socket_goes_with_the_bot(
    living: Living,
) -> None:
    app = living.app
    path = socket_of_this_process(app.settings)
    async with owner_socket(app):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == []
    assert await ask(app.settings, Request(verb="list")) is None


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with pytest.raises(ControlUnavailable, match="others may enter it"):
        make_folder(tmp_path)


def test_a_link_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to("elsewhere")
    with pytest.raises(ControlUnavailable, match="not a folder"):
        make_folder(tmp_path / "run")


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ControlUnavailable, match="not a directory") as refused:
        make_folder(tmp_path / "file" / "run")
    assert "bot.control_dir" in refused.value.hint


async def test_the_socket_of_a_killed_bot_is_passed_over_and_removed(living: Living) -> None:
    app = living.app
    path = socket_of_this_process(app.settings)
    killed = await asyncio.create_subprocess_exec("sleep", "60")
    dead = path.with_name(f"{path.stem.partition('-')[0]}-{killed.pid}.sock")
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))
    killed.kill()
    await killed.wait()
    assert dead.is_socket()
    assert await ask(app.settings, Request(verb="list")) is None
    async with owner_socket(app):
        assert not dead.exists()
        assert await ask(app.settings, Request(verb="list")) is not None


@given(st.dictionaries(st.sampled_from(["verb", "plugin", "name", "reason", "code"]), st.text(max_size=40)))
def test_a_request_names_at_most_an_id_and_single_words(fields: dict[str, str]) -> None:
    try:
        request = Request.model_validate(fields)
    except ValidationError:
        return
    assert request.plugin == "" or request.plugin.isidentifier()
    assert not set(request.name) - set("abcdefghijklmnopqrstuvwxyz_:")
    assert "\n" not in request.reason
