"""Whatever is done to a plugin, each event is handled once, by the last version that loaded, everywhere."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from importlib import import_module

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from living_bot import Living
from plugin_site import PluginSite
from wompbot_cogs.errors import PluginError

ENDURANCE = os.environ.get("WOMPBOT_ENDURANCE") == "1"
STEPS = ["load", "swap", "unload", "break", "repair", "install", "uninstall", "quarantine", "release"]
LEGAL = {"live", "off", "failed", "quarantined", "draining"}

CODE = """
import life_seen
from discord.ext import commands
from wompbot_cogs import Plugin

class Life(commands.Cog):
    @commands.Cog.listener()
    async def on_message(self, message):
        life_seen.SEEN.append((message.id, "VERSION"))

plugin = Plugin(lambda context: Life())
"""


OTHER = """
import asyncio, sys
from wompbot_cogs.app import open_app
from wompbot_cogs.settings import BotSettings

async def main():
    async with open_app(BotSettings.model_validate_json(sys.argv[1]), shard_count=1):
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@pytest.fixture
async def other(living: Living, site: PluginSite) -> AsyncIterator[str]:
    """The pid of another process on the same database, whose settings list the keeper of plugins only."""
    settings = {
        "database": {"url": living.app.settings.database.url},
        "llm": {"base_url": "http://127.0.0.1:9/v1"},
        "bot": {"plugins": ["plugins"]},
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OTHER, json.dumps(settings)),
        env={**os.environ, "PYTHONPATH": str(site.folder)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    yield str(process.pid)
    await process.communicate(b"")
    assert process.returncode == 0


class Life:
    """A plugin whose life is steered, and what is known of it."""

    def __init__(self, living: Living, site: PluginSite) -> None:
        self.host = living.app.host
        self.site = site
        self.written, self.works, self.installed, self.held = 0, True, False, False
        self.serves: str | None = None

    async def do(self, step: str) -> None:
        """Do one thing; what cannot be done must be refused."""
        if step in ("break", "repair", "install"):
            self.written += 1
            self.works = step != "break"
            self.installed = True
            code = CODE.replace("VERSION", str(self.written))
            code = code if self.works else "raise ValueError('broken')"
            self.site.install("life", code, version=str(self.written))
        elif step == "uninstall":
            self.site.uninstall("life_plugin")
            self.installed = False
        else:
            await self._ask(step)

    async def _ask(self, verb: str) -> None:
        try:
            await getattr(self.host, verb)("life")
        except PluginError:
            assert not self._possible(verb)
            return
        assert self._possible(verb)
        self.held = verb == "quarantine"
        self.serves = None if verb in ("unload", "quarantine") else str(self.written)

    def _possible(self, verb: str) -> bool:
        if verb == "swap" and self.serves is None:
            return False
        if verb == "release" and not self.held:
            return False
        return verb in ("unload", "quarantine") or (self.installed and self.works)


@pytest.mark.endurance
@pytest.mark.timeout(1200)
@example(steps=["break", "load", "swap"])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=12 if ENDURANCE else 6))
@settings(
    max_examples=15 if ENDURANCE else 3,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # each step talks to a database: shrinking takes hours
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_each_event_is_handled_once_by_the_version_that_serves(
    living: Living, site: PluginSite, other: str, steps: list[str]
) -> None:
    (site.folder / "life_seen.py").write_text("SEEN = []\n")
    site.packages.add("life_seen")
    seen = import_module("life_seen").SEEN
    life = Life(living, site)
    for step in ("install", "load"):
        await life.do(step)
    await _follows(living, other, life.serves)
    for step in steps:
        seen.clear()
        before = life.serves
        talking = asyncio.create_task(_talk(living))
        await life.do(step)
        said = await talking
        counts = Counter(message for message, _ in seen)
        assert set(counts.values()) <= {1}, "an event was doubled"
        assert {version for _, version in seen} <= {before, life.serves}
        if before is not None and life.serves is not None:
            assert [message for message, _ in seen] == said, "an event was lost"
        states = {state.id: state for state in life.host.states()}
        assert {state.state for state in states.values()} <= LEGAL
        live = "life" in states and states["life"].state == "live"
        assert (states["life"].version if live else None) == life.serves
        await _follows(living, other, life.serves)
    await life.do("install")
    await life.do("load")
    await life.do("unload")
    await _drained()
    assert life.host.receipts() == {}


async def _follows(living: Living, other: str, version: str | None) -> None:
    """Wait until another process runs what this one does, or nothing."""
    async with asyncio.timeout(60):
        while True:
            processes = await living.app.host.processes()
            [runs] = [it.runs for it in processes if f"-{other}-" in it.process]
            running = runs.get("life", "")
            if running == version or (version is None and not running.isdecimal()):
                return
            await asyncio.sleep(0.02)


async def _talk(living: Living) -> list[int]:
    return [await living.guild.say("alice", "listen") for _ in range(3)]


async def _drained() -> None:
    draining = [task for task in asyncio.all_tasks() if task.get_name() == "drain life"]
    await asyncio.gather(*draining)
