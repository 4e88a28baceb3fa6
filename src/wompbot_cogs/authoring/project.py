"""A plugin's project as its author has it: found from its test, and importable without being installed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wompbot_cogs.host.discovery import GROUP, discover
from wompbot_cogs.host.importer import forget


@dataclass(frozen=True, slots=True)
class PluginProject:
    """A project that holds plugins.

    Args:
        folder: Where its ``pyproject.toml`` is.
        name: Its distribution's name.
        plugins: What each plugin's entry point names, by plugin id.
        requires: What it asks of its surroundings, such as ``wompcore[bot]>=0.1``.
    """

    folder: Path
    name: str
    plugins: dict[str, str]
    requires: tuple[str, ...] = ()


def project_of(test: Path) -> PluginProject:
    """Return the project that a test belongs to.

    Args:
        test: The test's file, or a folder.

    Raises:
        LookupError: No ``pyproject.toml`` above it has entry points of the group ``wompbot.cogs``.
    """
    for folder in (test, *test.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
            if plugins := project.get("entry-points", {}).get(GROUP):
                return PluginProject(
                    folder, project["name"], dict(plugins), tuple(project.get("dependencies", ()))
                )
    raise LookupError(f'no pyproject.toml above {test} has [project.entry-points."{GROUP}"]')


@contextmanager
def importable(project: PluginProject, into: Path) -> Iterator[None]:
    """Make a project's plugins as good as installed, and undo that at the end.

    Args:
        project: The project.
        into: An empty folder, for what pip would write.
    """
    if project.plugins.keys() <= _of_project(project):
        yield
        return
    info = into / f"{project.name.replace('-', '_')}-0.dist-info"
    info.mkdir(parents=True)
    facts = ["Metadata-Version: 2.1", f"Name: {project.name}", "Version: 0"]
    facts += [f"Requires-Dist: {' '.join(text.split())}" for text in project.requires]
    (info / "METADATA").write_text("\n".join(facts) + "\n", encoding="utf-8")
    lines = [f"[{GROUP}]", *(f"{plugin} = {entry}" for plugin, entry in project.plugins.items())]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    source = project.folder / "src"
    added = [str(source if source.is_dir() else project.folder), str(into)]
    sys.path[:0] = added
    try:
        yield
    finally:
        for path in added:
            sys.path.remove(path)
        for entry in project.plugins.values():
            forget(entry.partition(":")[0].strip())


def _of_project(project: PluginProject) -> set[str]:
    """Return the ids of plugins that are installed from a project's own folder, as editable ones are."""
    home = project.folder.resolve()
    places = {plugin: found.place for plugin, found in discover().items()}
    return {plugin for plugin, place in places.items() if place and place.resolve().is_relative_to(home)}
