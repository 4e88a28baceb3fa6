"""Importing a package afresh: every module of its tree, from source; on failure the old ones return."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType


class _FromSource(SourceFileLoader):
    """Compiles the file as it is now: bytecode caches tell versions apart by second and size only."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package
        self._prefix = package + "."

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._package and not fullname.startswith(self._prefix):
            return None
        for finder in sys.meta_path:  # an editable install may bring a finder of its own
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if type(spec.loader) is SourceFileLoader:
                    spec.loader = _FromSource(spec.loader.name, spec.loader.path)
                return spec
        return None


def modules_of(package: str) -> list[str]:
    """Return the names of a package's modules that are loaded."""
    return [name for name in sys.modules if name == package or name.startswith(package + ".")]


def forget(package: str) -> dict[str, ModuleType]:
    """Take a package's modules out of ``sys.modules`` and return them."""
    importlib.invalidate_caches()
    parent, _, child = package.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        delattr(sys.modules[parent], child)
    return {name: sys.modules.pop(name) for name in modules_of(package)}


@contextmanager
def fresh(package: str) -> Iterator[ModuleType]:
    """Import a package anew; if anything in the context fails, the modules before it are put back.

    Args:
        package: The package's full name.
    """
    before = forget(package)
    finder = _Finder(package)
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(package)
    except BaseException:
        forget(package)
        sys.modules.update(before)
        parent, _, child = package.rpartition(".")
        if parent in sys.modules and package in before:
            setattr(sys.modules[parent], child, before[package])
        raise
    finally:
        sys.meta_path.remove(finder)
