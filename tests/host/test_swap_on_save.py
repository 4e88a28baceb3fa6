"""``wompbot run --watch``: what is saved is swapped, and what is broken is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from living_bot import Living
from plugin_site import PluginSite
from wompbot_cogs.authoring.watch import swapping_on_save


class Told:
    """What was said, and waiting for it."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, text: str) -> None:
        self._said.put_nowait(text)

    async def next(self) -> str:
        return await self._said.get()


@pytest.fixture
async def folder(living: Living, site: PluginSite) -> Path:
    folder = site.install("hello")
    await living.app.host.load("hello")
    return folder


@pytest.fixture
async def told(living: Living, folder: Path) -> AsyncIterator[Told]:
    told = Told()
    async with swapping_on_save(living.app.host, told):
        assert "hello" in await told.next()
        await asyncio.sleep(0.5)  # the system's watch begins in a thread that tells nobody
        yield told


async def test_a_save_is_a_swap_and_a_broken_one_leaves_the_version_before(
    living: Living, told: Told, folder: Path
) -> None:
    words = folder / "words.py"
    words.write_text("GREETING = 'changed'\n")
    assert await told.next() == "hello 1 was saved and runs."
    assert await living.ask("alice", "!hello") == "changed"

    words.write_text("GREETING = \n")
    broken = await told.next()
    assert f"syntax error in {words}, line 1" in broken
    assert "The version before still serves." in broken

    words.write_text("\n\nGREETING = nowhere\n")
    assert f"{words}, line 3: NameError" in await told.next()
    assert await living.ask("alice", "!hello") == "changed"

    (folder / "wompbot.toml").write_text("[plugin")
    assert "wompbot.toml" in await told.next()
    assert await living.ask("alice", "!hello") == "changed"


async def test_a_plugin_of_one_file_is_swapped_when_it_or_its_manifest_is_saved(
    living: Living, told: Told, site: PluginSite
) -> None:
    file = site.install_file("solo")
    await living.app.host.load("solo")
    assert "solo" in await told.next()
    await asyncio.sleep(0.5)  # the system's watch begins in a thread that tells nobody
    (site.folder / "elsewhere.py").write_text("nobody's = 1\n")
    draft = file.with_name("draft")  # as editors do: written beside it, then put in its place
    draft.write_text(file.read_text().replace("hello", "good morning"))
    draft.replace(file)
    assert await told.next() == "solo 1 was saved and runs."
    assert await living.ask("alice", "!solo") == "good morning from solo"
    manifest = file.with_suffix(".wompbot.toml")
    manifest.write_text(manifest.read_text().replace('"1"', '"2"'))
    assert await told.next() == "solo 2 was saved and runs."
    file.write_text("\nnowhere\n")
    assert f"{file}, line 2: NameError" in await told.next()


async def test_what_was_unloaded_is_left_alone(living: Living, told: Told, folder: Path) -> None:
    await living.app.host.unload("hello")
    (folder / "words.py").write_text("GREETING = 'changed'\n")
    await asyncio.sleep(1)  # longer than a save waits for another
    assert "hello" not in {state.id for state in living.app.host.states() if state.state == "live"}
    await living.app.host.load("hello")
    changes = await living.app.core.repos.plugins.changes()
    assert {change.via for change in changes if change.plugin == "hello"} == {"discord"}
