"""A virtual environment of its own for the plugins of a test, and what pip installs into it."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import wompcore
from plugin_site import GREETER, ONE_FILE


class Place:
    """A virtual environment of its own, in which our packages can be imported."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        [site] = folder.glob("lib/python*/site-packages")
        ours = [
            Path(wompcore.__file__).parents[1],
            *(path for path in sys.path if path.endswith("site-packages")),
        ]
        (site / "ours.pth").write_text("\n".join(map(str, ours)))

    def install(self, what: Path, *options: str) -> None:
        """Install a wheel or a project."""
        self.pip("install", "--no-index", "--no-deps", "--no-build-isolation", *options, what)

    def pip(self, *arguments: object) -> None:
        """Run pip for it, without a network."""
        pip = [sys.executable, "-m", "pip", "--python", self.python, "-q", "--disable-pip-version-check"]
        done = subprocess.run([*map(str, [*pip, *arguments])], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty environment."""
    return Place(tmp_path / "venv")


def manifest(version: str) -> str:
    return f'[plugin]\nid = "hello"\nversion = "{version}"\napi = 1\nsummary = "Greets."\n'


def code(version: str) -> dict[str, str]:
    filled = GREETER.replace("{id}", "hello").replace("{package}", "hello_plugin")
    words = f"GREETING = 'hello from {version}'\n"
    return {"__init__.py": filled, "words.py": words, "wompbot.toml": manifest(version)}


PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "hello-plugin"
version = "{version}"
[project.entry-points."wompbot.cogs"]
hello = "{entry}:plugin"
[tool.setuptools]
"""
LAYOUTS = {
    "a path in a file": 'package-dir = {"" = "src"}\npackages = ["hello_plugin"]\n',
    "a finder": 'packages = ["hello_plugin"]\n',
    "a finder of one file": 'py-modules = ["hello_file"]\n',
}
"""Projects by what setuptools makes of their editable installs."""


def project(folder: Path, version: str, layout: str) -> Path:
    """Write a project, or change it."""
    entry = "hello_file" if "one file" in layout else "hello_plugin"
    text = PROJECT.replace("{version}", version).replace("{entry}", entry) + LAYOUTS[layout]
    files = {f"hello_plugin/{name}": text for name, text in code(version).items()}
    if entry == "hello_file":
        one = ONE_FILE.replace("hello from {id}", f"hello from {version}").replace("{id}", "hello")
        files = {"hello_file.py": one, "hello_file.wompbot.toml": manifest(version)}
    source = folder / "src" if "path" in layout else folder
    for name, content in files.items():
        (source / name).parent.mkdir(exist_ok=True, parents=True)
        (source / name).write_text(content)
    (folder / "pyproject.toml").write_text(text)
    return folder


def wheel(folder: Path, version: str) -> Path:
    """Write a wheel by hand."""
    file, info = folder / f"hello_plugin-{version}-py3-none-any.whl", f"hello_plugin-{version}.dist-info"
    files = {f"hello_plugin/{name}": text for name, text in code(version).items()}
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: hello-plugin\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[wompbot.cogs]\nhello = hello_plugin:plugin\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file
