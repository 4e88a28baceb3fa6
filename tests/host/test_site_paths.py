"""What is installed while the process runs counts, in every form that pip leaves it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin_venv import Place, place, wheel
from wompbot_cogs.host.site_paths import SitePaths

__all__ = ["place"]

LOOK = """
import asyncio, json, sys
from wompbot_cogs.host.discovery import Installed
from wompbot_cogs.host.site_paths import SitePaths

installed = Installed(SitePaths())
for _ in sys.stdin:
    found = asyncio.run(installed.look())
    told = {id: it.manifest and it.manifest.version for id, it in found.items() if not it.built_in}
    print(json.dumps(told), flush=True)
"""


@pytest.fixture
def import_path() -> Iterator[None]:
    """Leave Python's import path as it was."""
    before = sys.path, sys.meta_path, sys.path_hooks
    sys.path, sys.meta_path, sys.path_hooks = ([*kept] for kept in before)
    yield
    sys.path, sys.meta_path, sys.path_hooks = before


class Looking:
    """A process that tells what is installed each time it is asked, and was started before that was."""

    def __init__(self, place: Place) -> None:
        self.process = subprocess.Popen(
            [place.python, "-c", LOOK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.look() == {}

    def look(self) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("look\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def test_a_wheel_is_found_that_pip_installs_while_a_process_runs(place: Place, tmp_path: Path) -> None:
    looking = Looking(place)
    place.install(wheel(tmp_path, "1"))
    assert looking.look() == {"hello": "1"}
    looking.process.communicate("", timeout=60)


# -- one file, step by step ------------------------------------------------------------------------


def test_a_folder_named_by_a_new_file_is_imported_from_until_the_file_goes(
    tmp_path: Path, import_path: None
) -> None:
    site, one, other = (tmp_path / name for name in ("site", "one", "other"))
    for folder in (site, one, other):
        folder.mkdir()
    (site / "old.pth").write_text("../one\n")
    paths = SitePaths([site])
    assert paths.follow() is False
    assert str(one) not in sys.path  # Python read that one at its start, and knows better
    (site / "new.pth").write_text("# a remark\n\n../other\n/no/such/folder\n")
    assert paths.follow() is True
    assert sys.path.count(str(other)) == 1
    assert "/no/such/folder" not in sys.path
    (site / "twin.pth").write_text(f"{other}\n")
    assert (paths.follow(), sys.path.count(str(other))) == (True, 1)
    (site / "new.pth").unlink()
    assert (paths.follow(), sys.path.count(str(other))) == (True, 1)  # the twin names it, too
    (site / "twin.pth").unlink()
    assert (paths.follow(), sys.path.count(str(other))) == (True, 0)


FINDER = """
import sys
from importlib.util import spec_from_file_location

class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return spec_from_file_location(name, "WHERE") if name == "mapped_by_a_finder" else None

def install():
    sys.meta_path.append(Finder)
"""


def test_a_finder_is_run_once_and_again_when_it_was_written_anew_and_leaves_with_its_file(
    tmp_path: Path, import_path: None
) -> None:
    paths = SitePaths([tmp_path])
    sys.path.append(str(tmp_path))
    file, finder = tmp_path / "__editable__.x.pth", tmp_path / "__editable___x_finder.py"

    def install(where: str) -> None:
        finder.write_text(FINDER.replace("WHERE", where))
        file.unlink(missing_ok=True)
        file.write_text("import __editable___x_finder; __editable___x_finder.install()\n")

    def maps() -> list[str]:
        finders = [finder for finder in sys.meta_path if finder.__module__ == "__editable___x_finder"]
        specs = [finder.find_spec("mapped_by_a_finder", None) for finder in finders]
        return [str(spec and spec.origin) for spec in specs]

    install("/one/mapped.py")
    assert (paths.follow(), maps()) == (True, ["/one/mapped.py"])
    assert (paths.follow(), maps()) == (False, ["/one/mapped.py"])
    install("/longer/two/mapped.py")
    assert (paths.follow(), maps()) == (True, ["/longer/two/mapped.py"])
    file.unlink()
    finder.unlink()
    assert (paths.follow(), maps()) == (True, [])
    assert "__editable___x_finder" not in sys.modules


@pytest.mark.parametrize("line", ["import sys; sys.exit(3)", "import no_such_module", "\0", "import ("])
def test_a_file_that_fails_harms_no_other(tmp_path: Path, import_path: None, line: str) -> None:
    paths = SitePaths([tmp_path])
    (tmp_path / "a.pth").write_text(line + "\n")
    (tmp_path / "b.pth").write_text(".\n")
    assert paths.follow() is True
    assert str(tmp_path) in sys.path
