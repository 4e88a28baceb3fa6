"""The page on hot swap names a test for each of its guarantees."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/plugins/hot-swap.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (M\d+) \|.*\| `([^`]+)` \|$", PAGE, flags=re.MULTILINE))


def test_every_recipe_has_a_test() -> None:
    assert [*ROWS] == [f"M{number}" for number in range(1, 17)]


@pytest.mark.parametrize("test_id", ROWS.values(), ids=ROWS.keys())
def test_the_test_exists(test_id: str) -> None:
    file, _, name = test_id.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    assert name in {node.name for node in tree.body if isinstance(node, functions)}
