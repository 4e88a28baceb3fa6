"""docs/audit.md claims only what a test proves."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
STATES = {"done", "partly", "open"}


class Row(NamedTuple):
    number: str
    finding: str
    answer: str
    tests: tuple[str, ...]
    promise: str
    state: str


def rows() -> list[Row]:
    lines = (ROOT / "docs/audit.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| P")]
    return [Row(*cell[:3], tuple(re.findall(r"`([^`]+)`", cell[3])), *cell[4:]) for cell in cells]


def test_every_finding_has_its_row_in_order() -> None:
    assert [row.number for row in rows()] == [f"P{number}" for number in range(1, 41)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_a_row_says_what_it_can_prove(row: Row) -> None:
    assert row.finding
    assert row.answer
    assert row.state in STATES
    assert row.promise == "–" or int(row.promise) in range(1, 17)
    assert bool(row.tests) == (row.state != "open"), "done and partly name tests, open names none"


@pytest.mark.parametrize("test_id", sorted({test_id for row in rows() for test_id in row.tests}))
def test_a_named_test_exists(test_id: str) -> None:
    file, _, name = test_id.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    assert name in {node.name for node in tree.body if isinstance(node, functions)}
