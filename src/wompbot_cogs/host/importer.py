"""Importing a package afresh: every module of its tree, from source; on failure the old ones return."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType


class _FromSource(SourceFileLoader):
    """Compiles the file as it is now: bytecode caches tell versions apart by second and size only."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        code = self.source_to_code(self.get_data(path), path)
        time.sleep(0)  # lets the event loop run between compiling and running: neither takes long
        return code

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        time.sleep(0)


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
    return [name for name in list(sys.modules) if name == package or name.startswith(package + ".")]


def forget(package: str) -> dict[str, ModuleType]:
    """Take a package's modules out of ``sys.modules`` and return them."""
    importlib.invalidate_caches()
    parent, _, child = package.rpartition(".")
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        delattr(sys.modules[parent], child)
    return {name: sys.modules.pop(name) for name in modules_of(package)}


@asynccontextmanager
async def fresh(package: str) -> AsyncIterator[ModuleType]:
    """Import a package anew; if anything in the context fails, the modules before it are put back.

    The event loop runs on meanwhile. Who imports a module of the package in that time waits for it,
    and gets the new one. One import at a time: modules are the process's.

    Args:
        package: The package's full name.
    """
    before = forget(package)
    finder = _Finder(package)
    sys.meta_path.insert(0, finder)
    try:
        yield await _imported(package)
    except BaseException:
        forget(package)
        sys.modules.update(before)
        parent, _, child = package.rpartition(".")
        if parent in sys.modules and package in before:
            setattr(sys.modules[parent], child, before[package])
        raise
    finally:
        sys.meta_path.remove(finder)


async def _imported(package: str) -> ModuleType:
    """Import in a thread of its own: one that never returns keeps neither the loop nor the process."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    outcome: list[ModuleType | BaseException] = []

    def work() -> None:
        try:
            outcome.append(importlib.import_module(package))
        except BaseException as error:  # also an exit: it is the plugin's, and ends its import only
            outcome.append(error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=work, name=f"import {package}", daemon=True).start()
    await ended.wait()
    try:
        [result] = outcome
        if isinstance(result, BaseException):
            raise result
        return result
    finally:
        outcome.clear()  # an error's traceback would keep this frame, and this frame the error
        del result
