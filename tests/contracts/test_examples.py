"""The examples in the documentation run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_library_works_without_discord() -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples/core_only.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    kept, model, cost, tool, rolled = done.stdout.splitlines()
    assert kept == "kept:  1 of 2 messages"
    assert "Thursday" in model
    assert "Psst" not in model
    assert cost.startswith("cost:  $0.0000")
    assert tool == "tool:  roll_dice {} -> ok"
    assert re.fullmatch(r"model: roll_dice: a die of 6 sides shows [1-6]", rolled)
