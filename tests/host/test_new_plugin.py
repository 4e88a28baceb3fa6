"""The project that ``wompbot plugins new`` writes, and the names it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompbot_cogs.authoring.new import write_project
from wompbot_cogs.authoring.project import project_of
from wompcore.errors import ConfigInvalid


@pytest.mark.endurance(only=True)
@pytest.mark.parametrize(
    "command",
    [
        ("pytest", "-q", "-p", "no:cacheprovider"),
        ("ruff", "check", "--no-cache"),
        ("ruff", "format", "--check", "--no-cache"),
        ("mypy", "--config-file", "pyproject.toml", "--cache-dir", "/dev/null"),
    ],
    ids=["tests", "lint", "format", "types"],
)
def test_a_new_plugin_passes_its_own(command: tuple[str, ...], tmp_path: Path) -> None:
    folder = write_project("big_weather", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_plugin_is_a_project_with_one_plugin_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = write_project("weather", tmp_path)
    assert folder == tmp_path / "weather_cog"
    assert project_of(folder).plugins == {"weather": "weather_cog:plugin"}
    assert [file for file in folder.rglob("*") if file.is_file() and "$" in file.name] == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "no plugin's id"),
        ("..", "no plugin's id"),
        ("../up", "no plugin's id"),
        ("/etc/passwd", "no plugin's id"),
        ("a b", "no plugin's id"),
        ("weather\n", "no plugin's id"),
        ("Weather", "no plugin's id"),
        ("wétter", "no plugin's id"),
        ("1st", "no plugin's id"),
        ("_private", "no plugin's id"),
        ("x" * 29, "no plugin's id"),
        ("-rf", "no plugin's id"),
        ('w"\nx = "1', "no plugin's id"),
        ("$id", "no plugin's id"),
        ("class", "word of Python"),
        ("match", "word of Python"),
        ("chat", "taken"),
        ("help", "taken"),
    ],
)
def test_a_hostile_name_is_refused_and_nothing_is_written(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=says):
        write_project(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(name=st.text(max_size=40))
def test_only_an_identifier_is_a_name(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    missing = tmp_path_factory.getbasetemp() / "missing"
    with pytest.raises(ConfigInvalid) as refused:  # a good name fails at the folder
        write_project(name, missing)
    assert refused.value.key == "NAME" or (name.isidentifier() and name.isascii() and name.islower())


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "weather_cog").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigInvalid, match="exists"):
        write_project("weather", tmp_path)
    with pytest.raises(ConfigInvalid, match="is no folder"):
        write_project("weather", tmp_path / "nowhere")
