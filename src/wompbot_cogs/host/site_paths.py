"""Following ``.pth`` files while the process runs, as Python does once at its start.

An editable install is such a file in ``site-packages``: lines that are folders, for ``sys.path``, or lines
that begin with ``import`` and are run. Who may install packages may thus run code, here as at every start.
"""

from __future__ import annotations

import logging
import os
import re
import site
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

_log = logging.getLogger(__name__)

_IMPORT = re.compile(r"import[ \t]+([\w.]+)")


class SitePaths:
    """Makes installs, updates and uninstalls count that come through ``.pth`` files.

    Args:
        folders: Where such files are looked for; the process's own when left out.
    """

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        self._folders = None if folders is None else tuple(folders)
        self._followed = dict(self._files())  # Python followed these

    def follow(self) -> bool:
        """Follow what came, changed or went since the last time; returns whether anything did."""
        before, now = self._followed, dict(self._files())
        self._followed = now
        if now == before:
            return False
        kept = {path for file, (text, _) in now.items() for path in _paths_in(file, text)}
        for file, (text, _) in before.items() - now.items():
            _undo(file, text, kept)
        for file, _ in sorted(now.items() - before.items()):
            _process(file)
        return True

    def _files(self) -> Iterator[tuple[Path, tuple[str, int]]]:
        """Yield what each file says and when it was written: one may be written anew with the same words."""
        for folder in _site_folders() if self._folders is None else self._folders:
            for file in sorted(folder.glob("*.pth")):
                try:
                    written = file.stat().st_mtime_ns
                    yield file, (file.read_text(encoding="utf-8-sig", errors="replace"), written)
                except OSError:  # gone between two looks
                    continue


def _site_folders() -> list[Path]:
    own = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [Path(folder) for folder in dict.fromkeys([*site.getsitepackages(), *own])]


def _process(file: Path) -> None:
    """Run one file as Python does; what it adds goes to the end of ``sys.path``."""
    if str(file.parent) not in sys.path:  # a user's own, made after the process began
        sys.path.append(str(file.parent))
    try:
        site.addpackage(str(file.parent), file.name, None)
    except BaseException:  # an exit, too, is a line's own affair
        _log.exception("%s cannot be followed", file)


def _undo(file: Path, text: str, kept: set[str]) -> None:
    """Take back what a file added: its folders, and the finders of modules beside it that it imported."""
    gone = set(_paths_in(file, text)) - kept
    # New lists: who searches the old ones at this moment must not skip an entry.
    sys.path = [path for path in sys.path if path not in gone]
    for module in _modules_in(file, text):
        sys.modules.pop(module.__name__, None)
        sys.meta_path = [finder for finder in sys.meta_path if not _is_of(finder, module)]
        sys.path_hooks = [hook for hook in sys.path_hooks if not _is_of(hook, module)]
        sys.path_importer_cache.clear()


def _paths_in(file: Path, text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.startswith(("#", "import ", "import\t")):
            yield os.path.abspath(os.path.join(file.parent, line.rstrip()))


def _modules_in(file: Path, text: str) -> Iterator[ModuleType]:
    """Yield the loaded modules that a file's lines import from its own folder."""
    for line in text.splitlines():
        if (match := _IMPORT.match(line)) is not None:
            module = sys.modules.get(match[1])
            if module is not None and module.__file__ and Path(module.__file__).parent == file.parent:
                yield module


def _is_of(finder: object, module: ModuleType) -> bool:
    """Return whether a finder is a module's class, its instance, or a method of one."""
    owner = getattr(finder, "__self__", finder)
    kind = owner if isinstance(owner, type) else type(owner)
    return kind.__module__ == module.__name__
