"""Lists what the built-in cogs understand, while the page is read.

The line ``<!-- commands -->`` in a page becomes one table per built-in plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from discord.ext import commands
from rooms_page import rooms_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MARKER = "<!-- commands -->"


def tables() -> str:
    """Return a Markdown section per built-in plugin that has commands."""
    return "\n\n".join(_section(room) for room in rooms_of("wompbot_cogs.cogs") if any(_rows(room)))


def _section(room: str) -> str:
    header = [f"## {room.rpartition('.')[2]}", "", "| command | what it does |", "|---|---|"]
    return "\n".join([*header, *sorted(_rows(room))])


def _rows(room: str) -> Iterator[str]:
    for cog in import_module(room).plugin.cogs:
        known = {command.qualified_name for command in cog.__cog_commands__}
        slash_only = [command for command in cog.__cog_app_commands__ if command.qualified_name not in known]
        for command in (*cog.__cog_commands__, *slash_only):
            spelled = ", ".join(f"`{text}`" for text in _spellings(command))
            yield f"| {spelled} | {getattr(command, 'short_doc', '') or command.description} |"


def _spellings(command: Any) -> Iterator[str]:
    name = command.qualified_name
    if isinstance(command, commands.Command):
        yield from (f"!{' '.join([*name.split()[:-1], alias])}" for alias in (command.name, *command.aliases))
    if isinstance(command, commands.HybridGroup) and command.fallback:
        yield f"/{name} {command.fallback}"
    elif not isinstance(command, commands.Command) or isinstance(command, commands.HybridCommand):
        yield f"/{name}"


def _fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    if _MARKER in source[0]:
        source[0] = source[0].replace(_MARKER, tables())


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _fill_in)
    return {"parallel_read_safe": True}
