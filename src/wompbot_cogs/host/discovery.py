"""Plugins are found by entry point; nothing of theirs is imported to look at them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, MetadataPathFinder, entry_points
from pathlib import Path

from wompbot_cogs.errors import ManifestInvalid, PluginError
from wompbot_cogs.manifest import Manifest, read_manifest

GROUP = "wompbot.cogs"


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that is installed.

    Args:
        id: Its entry point's name.
        package: The package it lives in.
        attribute: The name of its :class:`Plugin` there.
        manifest: What it says of itself, if it says it right.
        problem: Why it cannot be loaded, if it cannot.
    """

    id: str
    package: str
    attribute: str
    manifest: Manifest | None
    problem: PluginError | None = None


def discover() -> dict[str, Found]:
    """Return every installed plugin by id, also those installed since the process started."""
    MetadataPathFinder.invalidate_caches()
    found: dict[str, Found] = {}
    for entry in entry_points(group=GROUP):
        plugin = _look_at(entry)
        if plugin.id in found and found[plugin.id].package != plugin.package:
            problem = PluginError(plugin.id, f"both {found[plugin.id].package} and {plugin.package} have it")
            plugin = Found(plugin.id, plugin.package, plugin.attribute, None, problem)
        found[plugin.id] = plugin
    return dict(sorted(found.items()))


def _look_at(entry: EntryPoint) -> Found:
    try:
        manifest = read_manifest(entry.name, _folder(entry))
    except PluginError as problem:
        return Found(entry.name, entry.module, entry.attr, None, problem)
    return Found(entry.name, entry.module, entry.attr, manifest)


def _folder(entry: EntryPoint) -> Path:
    """Return the folder of the entry point's package without importing it or its parents."""
    top, *rest = entry.module.split(".")
    spec = _top_level(top)
    for name in rest:
        if spec is None or spec.submodule_search_locations is None:
            break
        spec = PathFinder.find_spec(f"{spec.name}.{name}", list(spec.submodule_search_locations))
    locations: Iterable[str] = () if spec is None else spec.submodule_search_locations or ()
    for location in locations:
        return Path(location)
    raise ManifestInvalid(entry.name, f"{entry.module} is not a package")


def _top_level(name: str) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec = None if find_spec is None else find_spec(name, None)
        if isinstance(spec, ModuleSpec):
            return spec
    return None
