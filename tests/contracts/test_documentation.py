"""The documents name what exists, and what they name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from settings_page import Setting, settings_of, with_tables
from typer.core import TyperGroup
from typer.main import get_command

from wompbot_cogs.commands import menu
from wompbot_cogs.manifest import Capability
from wompbot_cogs.settings import BotSettings
from wompcore.config import load_settings
from wompcore.errors import ConfigInvalid

ROOT = Path(__file__).parents[2]
SECTIONS: dict[str, dict[str, Any]] = BotSettings.model_json_schema()["$defs"]
PLUGIN_BOOK = (ROOT / "docs/plugins/index.md").read_text(encoding="utf-8")
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
