"""The project's commands. ``nox -s tests`` is the one to run first."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True  # a new clone starts fresh; `nox -r no` does so at will

PLUGINS = ["hello_cog", "tally_cog", "dice_tool"]
CODE = ["src", "tests", "benchmarks", "docs", "examples", "noxfile.py"]
LOGS = Path(os.environ.get("WOMPBOT_LOGS", "../shared/data/chat"))


@nox.session
def tests(session: nox.Session) -> None:
    """Every rule, at small sizes. Arguments after ``--`` go to pytest."""
    session.install("-e", ".[testing]", "pip")  # which a test lets install a plugin
    # More processes than a small machine has cores: the tests wait more than they work.
    session.run("pytest", "--numprocesses=3", "--dist=worksteal", *session.posargs)


@nox.session
def endurance(session: nox.Session) -> None:
    """Kills, outages, cycles and large tables: the same tests with larger parameters."""
    session.install("-e", ".[testing]", "pip", "setuptools>=77", "mypy>=1.13", "ruff>=0.8")  # as authors have
    session.run(
        "pytest",
        "-m",
        "endurance",
        "--numprocesses=2",
        "--dist=worksteal",
        "--timeout=600",
        *session.posargs,
        env={"WOMPBOT_ENDURANCE": "1"},
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Style."""
    session.install("ruff>=0.8")
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.install("-e", ".[dev]")
    session.run("mypy", *session.posargs)
    session.run("mypy", "--strict", *(f"examples/{name}/{name}" for name in PLUGINS))


@nox.session
def imports(session: nox.Session) -> None:
    """Who may import whom."""
    session.install("import-linter>=2.16")
    session.install("--no-deps", "-e", ".")
    session.run("lint-imports", "--no-cache")


@nox.session
def bench(session: nox.Session) -> None:
    """Every promise that is a number, against its baseline; names after ``--`` select."""
    session.install("-e", ".[demo]", "openai", "litellm")  # peers of row 3
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, with warnings as errors."""
    session.install("-e", ".[dev]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def demo(session: nox.Session) -> None:
    """What a newcomer sees."""
    session.install("-e", ".[demo]")
    session.run("wompbot", "demo", *session.posargs)


@nox.session
def interop(session: nox.Session) -> None:
    """Others' clients on our server and our client on theirs; and a real endpoint, where one is named."""
    session.install("-e", ".[testing]", "openai", "litellm[proxy]")
    session.run("pytest", "tests/interop", *session.posargs)
    if os.environ.get("WOMPBOT_INTEROP_BASE_URL"):
        session.run("pytest", "tests/e2e/test_model_endpoint.py", *session.posargs)
    else:
        session.log("WOMPBOT_INTEROP_BASE_URL is not set: no real endpoint was tested.")


@nox.session
def soak(session: nox.Session) -> None:
    """Every chat log of a folder replayed into one database, then all of them again."""
    logs = sorted(LOGS.glob("*.jsonl"))
    if not logs:
        session.log(f"No chat log in {LOGS} (WOMPBOT_LOGS names another folder): nothing was run.")
        return
    session.install("-e", ".[demo]")
    with tempfile.TemporaryDirectory(prefix="soak") as data:
        for log in logs * 2:
            session.run("wompbot", "demo", "--replay", str(log), "--data", data)
