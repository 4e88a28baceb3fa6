"""The scene, as a newcomer sees it: a process of its own, output that is no terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "wompbot_cogs.cli", "demo"]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, object]]:
    out = tmp_path_factory.mktemp("scene") / "summary.json"
    done = run("--json", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, json.loads(out.read_text())


def test_the_scene_shows_every_part_at_work(scene):
    text, summary = scene
    for shown in (
        "apple",
        "https://www.postgresql.org",
        "Receipts",
        "You are opted out",
        "0 were lost",
        "chat 0.",
        "everywhere: $",
    ):
        assert shown in text
    assert (summary["errors"], summary["lost_during_swap"], summary["claims_stored"]) == (0, 0, 1)
    assert summary["messages_in"] == summary["messages_stored"] + summary["opted_out_dropped"]
    assert summary["opted_out_dropped"] == 1
    assert summary["said_during_swap"] == 300
    assert summary["llm_calls"] == 6


def test_output_that_is_no_terminal_is_plain(scene):
    assert "\x1b" not in scene[0]


@pytest.mark.endurance(only=True)  # the whole scene once more
def test_with_json_on_standard_output_there_is_nothing_else():
    done = run("--json", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["errors"] == 0
    assert "Receipts" in done.stderr


def test_a_replay_needs_a_log_that_can_be_read(tmp_path: Path):
    done = run("--replay", str(tmp_path / "missing.jsonl"))
    assert done.returncode == 2
    assert "no such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--limit", "5"], "belong to --replay"),
        (["--replay", "log.jsonl", "--as", "x"], "2 to 32 characters"),
        (["--json", "/nowhere/summary.json"], "no such file or directory"),
        (["--json", "/tmp"], "is a directory"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_opened(options: list[str], problem: str):
    done = run(*options)
    assert done.returncode == 2
    assert problem in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.endurance(only=True)
def test_a_run_that_fails_leaves_no_empty_summary(tmp_path: Path):
    out = tmp_path / "summary.json"
    assert run("--replay", str(tmp_path / "missing.jsonl"), "--json", str(out)).returncode == 2
    assert not out.exists()


@pytest.mark.endurance(only=True)
def test_malformed_lines_make_the_replay_say_so(tmp_path: Path):
    log = tmp_path / "log.jsonl"
    good = {"id": 1, "channel": "c", "author": "a", "at": "2020-01-01T00:00:00Z", "text": "hi"}
    log.write_text(json.dumps(good) + "\n{\n")
    done = run("--replay", str(log), "--json", "-")
    assert done.returncode == 1
    assert done.stderr.strip() == "line 2: not JSON"
    assert json.loads(done.stdout)["messages_stored"] == 1


@pytest.mark.endurance(only=True)
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_one_may_talk_afterwards():
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(COMMAND, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        _read_until(ours, b"Your turn")
        os.write(ours, b"bob: wompbot, hello\n")
        _read_until(ours, b"I am the offline stand-in")
        os.write(ours, b"/optin\n")
        _read_until(ours, b"already opted in")
        os.write(ours, b"/nonsense\n")
        _read_until(ours, b"/optout")
        os.write(ours, b"quit\n")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        os.close(ours)


def _read_until(terminal: int, wanted: bytes) -> None:
    seen = b""
    while wanted not in b" ".join(seen.split()):
        seen += os.read(terminal, 4096)
