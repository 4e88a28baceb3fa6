"""The README's two commands are those that the project itself runs."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci/run").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SESSIONS = {
    node.name: ast.unparse(node)
    for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and [ast.unparse(d) for d in node.decorator_list] == ["nox.session"]
}
TEST = "pip install nox && nox -s tests"
DEMO = 'pip install -e ".[demo]" && wompbot demo'


def test_the_readme_shows_a_venv_and_two_commands() -> None:
    consoles = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    commands = [line for console in consoles for line in console.splitlines()]
    assert commands == ["python -m venv .venv && . .venv/bin/activate", DEMO, TEST]


def test_ci_starts_with_the_readmes_test_command_and_then_runs_the_rest() -> None:
    assert re.search(r"^pip install .*nox$", CI, flags=re.MULTILINE)
    steps = re.search(r"^for step in (.+); do$", CI, flags=re.MULTILINE)
    assert steps is not None
    assert steps[1].split() == ["tests", "endurance", "lint", "types", "imports"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_demo_session_runs_the_readmes_demo_command() -> None:
    assert "'-e', '.[demo]'" in SESSIONS["demo"]
    assert "'wompbot', 'demo'" in SESSIONS["demo"]


def test_the_sessions_are_all_there() -> None:
    checks = {"tests", "endurance", "lint", "types", "imports"}
    assert set(SESSIONS) == checks | {"bench", "docs", "demo", "interop", "soak"}


def test_the_extras_that_sessions_install_exist() -> None:
    installed = set(re.findall(r"\.\[(\w+)\]", " ".join(SESSIONS.values())))
    assert installed <= set(PROJECT["optional-dependencies"])


def test_the_console_script_leads_to_a_function() -> None:
    module, _, name = PROJECT["scripts"]["wompbot"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_what_grows_with_endurance_is_marked_so() -> None:
    grows = {path for path in ROOT.glob("tests/**/*.py") if '"WOMPBOT_ENDURANCE"' in path.read_text("utf-8")}
    unmarked = [path.name for path in grows if "mark.endurance" not in path.read_text("utf-8")]
    assert unmarked == []
