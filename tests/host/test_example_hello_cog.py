"""The example that plugin authors start from works as it stands."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from living_bot import OWNER, Living
from wompbot_cogs.host.importer import forget

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello_cog"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the example on the import path as an editable install would."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    info = tmp_path / "hello_cog-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    entries = project["entry-points"]["wompbot.cogs"].items()
    lines = ["[wompbot.cogs]", *(f"{name} = {value}" for name, value in entries)]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for folder in (EXAMPLE, tmp_path):
        monkeypatch.syspath_prepend(str(folder))
    yield
    forget("hello_cog")


@pytest.mark.usefixtures("installed")
async def test_the_host_loads_the_example(living: Living) -> None:
    assert await living.ask(OWNER, "!plugins load hello") == "`hello` 1.0.0 is loaded."
    assert await living.ask("alice", "!hello") == f"Hello, <@{living.guild.member('alice').id}>!"
    [answer] = await living.guild.slash("alice", "hello")
    assert answer.text.startswith("Hello, ")


def test_the_example_passes_its_own_test() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_says_the_same_in_both_of_its_files() -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    manifest = tomllib.loads((EXAMPLE / "hello_cog" / "wompbot.toml").read_text())["plugin"]
    assert project["entry-points"]["wompbot.cogs"] == {manifest["id"]: "hello_cog:plugin"}
    assert project["version"] == manifest["version"]
