"""``import``, ``backup``, ``restore`` and ``plugins list`` as an operator runs them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from command_line import Outcome, Wompbot
from wompcore.config import DatabaseSettings
from wompcore.db import Database, make_schema


def line(number: int, author: str = "ann", text: str = "hello") -> str:
    at = f"2026-10-01T12:{number // 60:02}:{number % 60:02}Z"
    return json.dumps({"id": number, "channel": "room", "author": author, "at": at, "text": text})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return written(tmp_path, (line(number) for number in range(100)))


def written(folder: Path, lines: Iterable[str]) -> Path:
    file = folder / "log.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def database(database_settings: DatabaseSettings) -> dict[str, Any]:
    return {"url": database_settings.url}


async def count(database: dict[str, Any]) -> int:
    async with Database.open(DatabaseSettings(**database)) as db:
        return int(await db.fetch_value("SELECT count(*) FROM messages"))


async def test_a_log_is_stored_once_however_often_it_is_read(
    wompbot: Wompbot, database: dict[str, Any], log: Path
) -> None:
    first = await wompbot("import", log, "--json", database=database)
    assert first.code == 0, first.err
    assert first.json == {
        "messages": 100,
        "stored": 100,
        "already_stored": 0,
        "opted_out": 0,
        "parked": 0,
        "bad_lines": 0,
        "people": 1,
    }
    again = await wompbot("import", log, "--json", database=database)
    assert (again.json["stored"], again.json["already_stored"]) == (0, 100)
    assert await count(database) == 100


@pytest.mark.endurance(only=True)
async def test_what_is_left_of_a_log_is_stored_later(
    wompbot: Wompbot, database: dict[str, Any], tmp_path: Path
) -> None:
    lines = [line(number) for number in range(100)]
    log = written(tmp_path, lines[:40])
    await wompbot("import", log, database=database)
    written(tmp_path, lines)
    rest = await wompbot("import", log, "--json", database=database)
    assert (rest.json["stored"], rest.json["already_stored"]) == (60, 40)


async def test_a_malformed_line_is_named_and_costs_only_itself(
    wompbot: Wompbot, database: dict[str, Any], tmp_path: Path
) -> None:
    log = written(tmp_path, [line(1), "{", line(3)])
    done = await wompbot("import", log, "--json", database=database)
    assert (done.code, done.json["stored"], done.json["bad_lines"]) == (1, 2, 1)
    assert done.err.startswith("line 2: ")


async def test_many_malformed_lines_are_counted_and_the_first_twenty_named(
    wompbot: Wompbot, database: dict[str, Any], tmp_path: Path
) -> None:
    log = written(tmp_path, [line(1), *["{"] * 50])
    done = await wompbot("import", log, "--json", database=database)
    assert done.json["bad_lines"] == 50
    assert len(done.err.splitlines()) == 21


@pytest.mark.parametrize("content", [None, "", "{\n[\n"], ids=["missing", "empty", "no message"])
async def test_a_log_that_cannot_be_read_is_bad_input(
    wompbot: Wompbot, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "log.jsonl"
    if content is not None:
        file.write_text(content)
    done = await wompbot("import", file)
    assert done.code == 2
    assert done.err.startswith(f"error: {file}: ")
    assert done.err.count("\n") <= 2


@pytest.mark.endurance(only=True)
async def test_a_data_folder_that_cannot_be_used_is_bad_input(wompbot: Wompbot, log: Path) -> None:
    for command in (["import", log], ["demo"], ["demo", "--replay", log]):
        done = await wompbot(*command, "--data", log)
        assert done.code == 2
        assert done.err == f"error: --data: {log}: not a directory\n hint: Choose a folder that you own.\n"


async def test_people_who_opted_out_are_left_out(
    wompbot: Wompbot, database: dict[str, Any], log: Path
) -> None:
    await wompbot("import", log, database=database)
    async with Database.open(DatabaseSettings(**database)) as db:
        await db.execute("DELETE FROM messages")
        await db.execute("UPDATE people SET opted_out = true")
    done = await wompbot("import", log, "--json", database=database)
    assert (done.json["stored"], done.json["opted_out"]) == (0, 100)


@pytest.mark.endurance(only=True)
async def test_a_backup_brings_everything_back(
    wompbot: Wompbot, database: dict[str, Any], log: Path, tmp_path: Path
) -> None:
    await wompbot("import", log, database=database)
    file = tmp_path / "womp.backup"
    assert (await wompbot("backup", file, database=database)).code == 0
    async with Database.open(DatabaseSettings(**database)) as db:
        await db.execute("DELETE FROM messages")

    refused = await wompbot("restore", file, database=database)
    assert (refused.code, await count(database)) == (1, 0)
    assert "--replace" in refused.err

    assert (await wompbot("restore", file, "--replace", database=database)).code == 0
    assert await count(database) == 100


async def test_what_is_no_backup_is_one_line(wompbot: Wompbot, database: dict[str, Any], log: Path) -> None:
    done = await wompbot("restore", log, "--replace", database=database)
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err


async def test_plugins_are_listed_with_version_and_state(wompbot: Wompbot, database: dict[str, Any]) -> None:
    done = await wompbot("plugins", "list", "--json", database=database)
    assert done.code == 0, done.err
    states = {plugin["id"]: plugin["state"] for plugin in done.json}
    assert {"chat", "claims", "privacy", "spend", "admin", "plugins"} <= states.keys()
    assert set(states.values()) == {"ready"}


def shown(done: Outcome) -> list[str]:
    return [row.split()[0] for row in done.out.splitlines()[1:-1]]


async def test_plugins_are_listed_for_people_one_line_each(
    wompbot: Wompbot, database: dict[str, Any]
) -> None:
    done = await wompbot("plugins", "list", database=database)
    assert shown(done) == sorted(shown(done))
    assert "chat" in shown(done)


@pytest.mark.endurance(only=True)
async def test_a_plugin_is_purged_only_when_its_id_is_typed_again(
    wompbot: Wompbot, database: dict[str, Any], db: Database
) -> None:
    await make_schema(db, "plugin_gone")
    refused = await wompbot("plugins", "purge", "gone", "--confirm", "other", database=database)
    assert refused.code != 0
    assert await db.fetch_value("SELECT to_regnamespace('plugin_gone') IS NOT NULL")
    done = await wompbot("plugins", "purge", "gone", "--confirm", "gone", "--json", database=database)
    assert done.json == {"plugin": "gone", "role_removed": True}
    assert await db.fetch_value("SELECT to_regnamespace('plugin_gone') IS NULL")


@pytest.mark.endurance(only=True)
async def test_what_a_plugin_does_not_ask_for_cannot_be_granted(
    wompbot: Wompbot, database: dict[str, Any]
) -> None:
    refused = await wompbot("plugins", "grant", "chat", "costs", database=database)
    assert refused.code != 0
    assert "does not ask for 'costs'" in refused.err
    assert "was not granted" in (await wompbot("plugins", "withdraw", "chat", "llm", database=database)).err
    granted = await wompbot("plugins", "grant", "chat", "llm", "--json", database=database)
    assert granted.json == {"bot": "not running", "plugin": "chat", "processes": []}
