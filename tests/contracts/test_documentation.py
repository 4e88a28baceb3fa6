"""The documents name what exists, and what they name exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from settings_page import Setting, settings_of, with_tables
from typer.core import TyperGroup
from typer.main import get_command

from wompbot_cogs.commands import menu
from wompbot_cogs.hooks import HookSpecs
from wompbot_cogs.hooks.marks import rules_of
from wompbot_cogs.manifest import Capability, Manifest
from wompbot_cogs.settings import BotSettings
from wompcore.config import load_settings
from wompcore.errors import ConfigInvalid

ROOT = Path(__file__).parents[2]
SECTIONS: dict[str, dict[str, Any]] = BotSettings.model_json_schema()["$defs"]
PLUGIN_BOOK = (ROOT / "docs/plugins/index.md").read_text(encoding="utf-8")
HOOKS_PAGE = (ROOT / "docs/plugins/hooks.md").read_text(encoding="utf-8")
ALL_PAGES = "\n".join(page.read_text(encoding="utf-8") for page in ROOT.glob("docs/**/*.md"))
METER_CALLS = {"count", "observe", "watch", "span"}
PAGES = sorted(str(page.relative_to(ROOT)) for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])


def test_the_settings_page_lists_every_setting_with_its_meaning() -> None:
    page = with_tables((ROOT / "docs/reference/settings.md").read_text(encoding="utf-8"))
    described = re.findall(r"^\| `[\w.<>]*?(\w+)` \| .* \| .+ \| .+ \|$", page, flags=re.MULTILINE)
    for section in SECTIONS.values():
        plain = {name for name, schema in section["properties"].items() if not refers(schema)}
        assert plain <= set(described)


def refers(schema: dict[str, Any]) -> bool:
    return "$ref" in str(schema)


@pytest.mark.parametrize("row", list(settings_of(BotSettings)), ids=lambda row: row.key)
def test_a_variable_on_the_settings_page_is_read(row: Setting) -> None:
    if row.variable == "file only":
        assert "<name>" in row.key
    else:
        assert problem_with({row.variable.strip("`"): "x"}) != "unknown setting"


def problem_with(environ: dict[str, str]) -> str | None:
    try:
        load_settings(BotSettings, environ=environ)
    except ConfigInvalid as error:
        return error.problem
    return None


def test_a_variable_that_is_on_no_page_is_refused() -> None:
    assert problem_with({"WOMPBOT_LLM__NO_SUCH_KEY": "x"}) == "unknown setting"


def test_the_plugin_book_lists_every_capability() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PLUGIN_BOOK, flags=re.MULTILINE)
    assert listed == sorted(get_args(Capability))


def test_the_hooks_page_lists_every_hook_with_what_holds_for_it() -> None:
    listed = re.findall(
        r"^\| \[`(\w+)`\]\(#(\w+)\) \| ([\d.]+) s \| (?:`(\w+)`)? ?\| \S.*\|$", HOOKS_PAGE, re.MULTILINE
    )
    rules = rules_of(HookSpecs)
    assert listed == [(name, name, f"{rule.timeout_s:g}", rule.needs or "") for name, rule in rules.items()]


@pytest.mark.parametrize("hook", rules_of(HookSpecs))
def test_a_hook_has_a_section_with_an_example_that_implements_it(hook: str) -> None:
    section = HOOKS_PAGE.split(f"\n## `{hook}`\n")[1].split("\n## ")[0]
    [example] = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert re.search(rf"@hookimpl\n    (async )?def {hook}\(self", example)


def test_every_metric_stands_in_a_table_with_its_meaning() -> None:
    rows = re.findall(r"^\| (`womp_.*?) \| \S", ALL_PAGES, flags=re.MULTILINE)
    documented = {name.removesuffix("_total") for row in rows for name in re.findall(r"`womp_(\w+)`", row)}
    assert metrics() - documented == set()


def metrics() -> set[str]:
    """Return the names that the source gives to a meter."""
    calls = (
        node
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in METER_CALLS
    )
    names = (
        argument.value for call in calls for argument in call.args[:2] if isinstance(argument, ast.Constant)
    )
    return {name for name in names if isinstance(name, str) and re.fullmatch(r"[a-z]+(_[a-z]+)+", name)}


def test_the_plugin_book_lists_every_key_of_a_manifest() -> None:
    listed = re.findall(r"^\| \*(\w+)\* \|", PLUGIN_BOOK, flags=re.MULTILINE)
    assert listed == list(Manifest.model_fields)


def test_the_command_page_lists_every_command() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `wompbot ([a-z ]*[a-z])", page, flags=re.MULTILINE)
    top = get_command(menu())
    assert isinstance(top, TyperGroup)
    assert set(listed) == set(spelled(top))


def spelled(group: TyperGroup) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from (f"{name} {below}" for below in spelled(command))
        else:
            yield name


@pytest.mark.parametrize("page", PAGES)
def test_a_link_between_pages_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text)
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(page.name[:4] for page in (ROOT / "docs" / "decisions").glob("0*.md"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
