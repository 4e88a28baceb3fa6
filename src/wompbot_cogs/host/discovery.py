"""Plugins are found by entry point; nothing of theirs is imported to look at them."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, MetadataPathFinder, entry_points
from pathlib import Path

from wompbot_cogs.errors import ManifestInvalid, PluginError
from wompbot_cogs.host.requirements import check_requirements
from wompbot_cogs.host.site_paths import SitePaths
from wompbot_cogs.manifest import FILE_NAME, Manifest, read_manifest

GROUP = "wompbot.cogs"

_BUILT_IN = "wompbot_cogs.cogs."


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that is installed.

    Args:
        id: Its entry point's name.
        package: The package it lives in.
        attribute: The name of its :class:`Plugin` there.
        manifest: What it says of itself, if it can be loaded.
        problem: Why it cannot be loaded, or what else claims its id.
        folder: Its package's folder; a plugin of one file has none.
        file: The file of a plugin of one file.
    """

    id: str
    package: str
    attribute: str
    manifest: Manifest | None
    problem: PluginError | None = None
    folder: Path | None = None
    file: Path | None = None

    @property
    def place(self) -> Path | None:
        """Its package's folder or its one file, if that is known."""
        return self.folder or self.file

    @property
    def built_in(self) -> bool:
        """Whether it came with the bot."""
        return self.package.startswith(_BUILT_IN)


class Installed:
    """What is installed, as of the last look.

    Args:
        paths: Follows what is installed, updated and uninstalled through ``.pth`` files.

    Attributes:
        found: Every plugin, by id.
    """

    def __init__(self, paths: SitePaths) -> None:
        self._paths = paths
        self._looking = threading.Lock()  # the import path is the process's
        self.found: Mapping[str, Found] = {}

    async def look(self) -> Mapping[str, Found]:
        """Look again, beside the event loop: it takes as long as there are distributions."""
        self.found = await asyncio.to_thread(self._look)
        return self.found

    def _look(self) -> Mapping[str, Found]:
        with self._looking:
            self._paths.follow()
            return discover()


def discover() -> dict[str, Found]:
    """Return every installed plugin by id, also those installed since the process started."""
    importlib.invalidate_caches()
    MetadataPathFinder().invalidate_caches()  # Python before 3.12 leaves these alone
    found: dict[str, Found] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        plugin = _look_at(entry)
        other = found.get(plugin.id)
        found[plugin.id] = plugin if other is None else _settle(other, plugin)
    return found


def _settle(one: Found, other: Found) -> Found:
    """Decide between two plugins of one id: a built-in keeps it, among others nobody does."""
    if one.package == other.package:
        return one
    problem = PluginError(
        one.id,
        f"both {one.package} and {other.package} claim this id",
        hint="Uninstall one of them.",
    )
    if one.built_in or other.built_in:
        return replace(one if one.built_in else other, problem=problem)
    return Found(one.id, one.package, one.attribute, None, problem)


def _look_at(entry: EntryPoint) -> Found:
    module, _, attribute = (part.strip() for part in entry.value.partition(":"))
    found = Found(entry.name, module, attribute, None)
    try:
        place, file = _located(entry.name, module)
        found = replace(found, folder=place) if place == file.parent else replace(found, file=place)
        manifest = read_manifest(entry.name, file)
        check_requirements(manifest, entry.dist)
    except PluginError as problem:
        return replace(found, problem=problem)
    return replace(found, manifest=manifest)


def _located(plugin: str, package: str) -> tuple[Path, Path]:
    """Return a package's folder and its manifest's file without importing it or its parents.

    The manifest of a plugin of one file lies beside that file.
    """
    top, *rest = package.split(".")
    spec = _top_level(top)
    for name in rest:
        if spec is None or spec.submodule_search_locations is None:
            break
        spec = PathFinder.find_spec(f"{spec.name}.{name}", list(spec.submodule_search_locations))
    folders = [Path(location) for location in (spec and spec.submodule_search_locations) or ()]
    for folder in folders:  # of a namespace package, the one that holds the plugin
        if (folder / FILE_NAME).exists() or folder is folders[-1]:
            return folder, folder / FILE_NAME
    if spec is not None and spec.origin is not None and spec.name == package and spec.has_location:
        return Path(spec.origin), Path(spec.origin).with_suffix(f".{FILE_NAME}")
    raise ManifestInvalid(
        plugin, f"{package} is not installed", hint="The entry point must name a package or a module."
    )


def _top_level(name: str) -> ModuleSpec | None:
    specs = (finder.find_spec(name, None) for finder in sys.meta_path)
    return next((spec for spec in specs if spec is not None), None)
