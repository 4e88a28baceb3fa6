"""The examples that plugin authors start from work as they stand."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from living_bot import OWNER, Living
from wompbot_cogs.authoring.project import importable, project_of

EXAMPLES = sorted(path.parent for path in Path(__file__).parents[2].glob("examples/*/pyproject.toml"))
HELLO = next(path for path in EXAMPLES if path.name == "hello_cog")


async def test_the_host_loads_the_example_as_it_loads_any_plugin(living: Living, tmp_path: Path) -> None:
    with importable(project_of(HELLO), tmp_path / "installed"):
        assert await living.ask(OWNER, "!plugins load hello") == "`hello` 1.0.0 is loaded."
        assert await living.ask("alice", "!hello") == f"Hello, {living.mention('alice')}!"
        assert (await living.slash("alice", "hello")).startswith("Hello, ")


@pytest.mark.endurance(only=True)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_passes_its_own_tests(example: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=example, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_the_same_in_both_of_its_files(example: Path) -> None:
    project = tomllib.loads((example / "pyproject.toml").read_text())["project"]
    manifest = tomllib.loads((example / example.name / "wompbot.toml").read_text())["plugin"]
    assert project["entry-points"]["wompbot.cogs"] == {manifest["id"]: f"{example.name}:plugin"}
    assert project["version"] == manifest["version"]


def test_an_authors_first_test_is_short() -> None:
    first = (HELLO / "test_hello_cog.py").read_text().split("\n\n\n")[1]
    assert len(first.splitlines()) < 10
