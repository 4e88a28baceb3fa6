"""The author's doctor: what it finds in a project, at rest and alive."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from plugin_site import ONE_FILE
from wompbot_cogs.authoring.check import check
from wompbot_cogs.authoring.new import write_project
from wompbot_cogs.finding import Finding
from wompcore.errors import ConfigInvalid

MANIFEST = "weather_cog/wompbot.toml"
CODE = "weather_cog/__init__.py"
MIGRATION = "weather_cog/migrations/0001_one.expand.sql"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project("weather", tmp_path)


async def findings(project: Path) -> list[Finding]:
    return [finding async for finding in check(project, {})]


async def problems(project: Path) -> list[str]:
    return [finding.detail for finding in await findings(project) if not finding.good]


def change(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))


def migrate(project: Path, sql: str) -> None:
    change(project, MANIFEST, "needs = []", 'needs = ["db"]')
    (project / MIGRATION).parent.mkdir()
    (project / MIGRATION).write_text(sql)


@pytest.mark.endurance(only=True)  # 20 swaps of the whole
async def test_a_new_plugin_is_well(project: Path) -> None:
    found = await findings(project)
    assert [finding.good for finding in found] == [True, True, True]
    assert found[-1].detail == "swaps: 20 swaps and 2 unloads left nothing behind"


@pytest.mark.endurance(only=True)  # what the others check, in another shape
async def test_a_plugin_of_one_file_is_checked_like_any(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'solo'\n[project.entry-points.'wompbot.cogs']\nsolo = 'solo_file:plugin'\n"
    )
    (tmp_path / "solo_file.py").write_text(ONE_FILE.replace("{id}", "solo"))
    assert "no solo_file.wompbot.toml beside it" in (await problems(tmp_path))[0]
    manifest = '[plugin]\nid = "solo"\nversion = "1"\napi = 1\nsummary = "One."\n'
    (tmp_path / "solo_file.wompbot.toml").write_text(manifest)
    assert await problems(tmp_path) == []


async def test_a_manifest_that_is_wrong_ends_the_check(project: Path) -> None:
    change(project, MANIFEST, "needs = []", 'needs = ["money"]')
    [problem] = await problems(project)
    assert problem.startswith("manifest: wompbot.toml: plugin.needs")


async def test_a_conflict_with_what_is_installed_is_named_before_code_runs(project: Path) -> None:
    change(project, "pyproject.toml", '["wompcore[bot]"]', '["wompcore[bot]", "aiohttp<1"]')
    (project / CODE).write_text("raise SystemExit")
    [problem] = await problems(project)
    assert "aiohttp<1" in problem


async def test_the_id_of_a_built_in_plugin_is_a_conflict(project: Path) -> None:
    change(project, "pyproject.toml", 'weather = "weather_cog', 'chat = "weather_cog')
    change(project, MANIFEST, 'id = "weather"', 'id = "chat"')
    [problem] = await problems(project)
    assert "claim this id" in problem


async def test_every_migration_that_would_break_the_version_before_is_named(project: Path) -> None:
    migrate(
        project, "CREATE TABLE rains (day date);\nDROP TABLE suns;\nALTER TABLE winds DROP COLUMN speed;\n"
    )
    first, second = await problems(project)
    assert first.startswith("migrations: migrations/0001_one.expand.sql: DROP TABLE suns")
    assert "winds" in second


@pytest.mark.endurance(only=True)
async def test_a_column_with_a_persons_id_must_be_declared(project: Path) -> None:
    migrate(project, "CREATE TABLE rains (user_id bigint, day date);")
    [problem] = await problems(project)
    assert problem == "data: undeclared personal data: rains.user_id"


@pytest.mark.endurance(only=True)
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    @hybrid", "    @hookimpl\n    def no_such_hook(self): ...\n\n    @hybrid", "no_such_hook"),
        ('name="weather"', 'name="optout"', "that of plugin privacy"),
        ("plugin = Plugin", "plugin = 1 / 0 or Plugin", "ZeroDivisionError"),
        ("plugin = Plugin", "plugin = = Plugin", "syntax error in"),
    ],
    ids=["hook", "command", "import", "syntax"],
)
async def test_what_cannot_be_loaded_is_told(project: Path, old: str, new: str, says: str) -> None:
    change(project, CODE, "import Context, Plugin,", "import Context, Plugin, hookimpl,")
    change(project, CODE, old, new)
    [problem] = await problems(project)
    assert problem.startswith("loading: ")
    assert says in problem


@pytest.mark.endurance(only=True)
async def test_what_stays_after_a_swap_is_named(project: Path) -> None:
    (project / "held_elsewhere.py").write_text("HELD = []")
    change(project, CODE, "from typing import Any", "import held_elsewhere")
    change(project, CODE, "context: commands.Context[Any]", "context: commands.Context")
    change(project, CODE, "self._log = context.log", "held_elsewhere.HELD.append(self)")
    found = await problems(project)
    del sys.modules["held_elsewhere"]
    assert any(problem.startswith("swaps: left behind: cog Weather") for problem in found)


@pytest.mark.parametrize(
    ("text", "says"), [("", "no entry point"), ("[", "pyproject.toml"), ("project = 1", "no entry point")]
)
async def test_what_is_no_plugins_project_is_bad_input(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigInvalid, match=says):
        await findings(tmp_path)
    with pytest.raises(ConfigInvalid, match="is not there"):
        await findings(tmp_path / "nowhere")
