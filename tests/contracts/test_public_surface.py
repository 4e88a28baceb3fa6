"""The public doors hand out what they promise, and cost little to open."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest
from rooms_page import rooms_of

import wompbot_cogs
import wompcore

HEAVY = {"aiocache", "aiohttp", "discord", "pluggy", "procrastinate", "psycopg", "pydantic"}


def imported_by(statement: str) -> set[str]:
    code = f"import json, sys; {statement}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("name", wompcore.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(wompcore, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        wompcore.no_such_name  # noqa: B018 # looking it up is the test


@pytest.mark.parametrize("room", [*rooms_of("wompcore"), "wompbot_cogs"])
def test_a_room_exports_what_it_lists(room: str) -> None:
    module = import_module(room)
    exported = getattr(module, "__all__", [])
    assert [name for name in exported if not hasattr(module, name)] == []
    assert sorted(set(exported)) == sorted(exported)


def test_the_library_is_typed_and_lists_its_names() -> None:
    assert set(wompcore.__all__) <= set(dir(wompcore))


def test_opening_the_library_imports_nothing_heavy() -> None:
    assert imported_by("import wompcore") & HEAVY == set()


def test_the_library_never_imports_discord() -> None:
    statement = "; ".join(f"import {room}" for room in rooms_of("wompcore") if room != "wompcore.testing")
    assert imported_by(statement) & {"discord", "pluggy", "wompbot_cogs"} == set()


def test_plugin_authors_get_a_door() -> None:
    assert {"API_LEVEL", "Context", "Manifest", "Plugin"} <= set(wompbot_cogs.__all__)
