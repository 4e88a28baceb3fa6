"""A folder of installed plugins, as pip would leave it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from wompbot_cogs import cogs
from wompbot_cogs.host.importer import forget

BUILT_IN = sorted(path.parent.name for path in Path(cogs.__path__[0]).glob("*/wompbot.toml"))
"""Ids of the plugins that come with the bot."""

GREETER = '''
from discord.ext import commands
from wompbot_cogs import Plugin
from {package}.words import GREETING

class Greeter(commands.Cog, name="{id}"):
    @commands.hybrid_command(name="{id}")
    async def greet(self, context):
        """Greet."""
        await context.send(GREETING)

plugin = Plugin(lambda context: Greeter())
'''

ONE_FILE = GREETER.replace("from {package}.words import GREETING\n", "GREETING = 'hello from {id}'\n")


class PluginSite:
    """Writes plugins into a folder that Python imports from.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages: set[str] = set()

    def install(
        self,
        plugin: str,
        code: str = GREETER,
        *,
        package: str = "",
        entry: str = "",
        needs: Iterable[str] = (),
        version: str = "1",
        content: bool = True,
        permissions: Iterable[str] = (),
        **files: str,
    ) -> Path:
        """Install a plugin, or change it.

        Args:
            plugin: Its id.
            code: Its ``__init__.py``; ``{id}`` and ``{package}`` are filled in.
            package: Its package; the id with ``_plugin`` when left out.
            entry: What its entry point names; ``package:plugin`` when left out.
            needs: Capabilities its manifest asks for.
            version: The version its manifest says.
            content: Whether its manifest asks for message content.
            permissions: What it must be allowed in a server.
            files: Its other modules by name, without ``.py``.

        Returns:
            The package's folder.
        """
        package = package or f"{plugin}_plugin"
        self.packages.add(package.partition(".")[0])
        folder = self.folder.joinpath(*package.split("."))
        folder.mkdir(parents=True, exist_ok=True)
        files = {"words": f"GREETING = 'hello from {plugin}'\n", **files}
        for name, text in {"__init__": code, **files}.items():
            filled = text.replace("{id}", plugin).replace("{package}", package)
            (folder / f"{name}.py").write_text(filled, encoding="utf-8")
        self.manifest(folder, plugin, version=version, needs=needs, content=content, permissions=permissions)
        self._metadata(package, f"{plugin} = {entry or package + ':plugin'}")
        return folder

    def install_file(self, plugin: str, code: str = ONE_FILE, *, version: str = "1") -> Path:
        """Install a plugin of one file, or change it, and return that file."""
        module = f"{plugin}_file"
        self.packages.add(module)
        file = self.folder / f"{module}.py"
        file.write_text(code.replace("{id}", plugin), encoding="utf-8")
        self.manifest(self.folder, plugin, version=version)
        (self.folder / "wompbot.toml").replace(file.with_suffix(".wompbot.toml"))
        self._metadata(module, f"{plugin} = {module}:plugin")
        return file

    def manifest(
        self,
        folder: Path,
        plugin: str,
        *,
        version: str = "1",
        api: int = 1,
        needs: Iterable[str] = (),
        content: bool = True,
        permissions: Iterable[str] = (),
    ) -> None:
        """Write a manifest."""
        lines = [
            "[plugin]",
            f'id = "{plugin}"',
            f'version = "{version}"',
            f"api = {api}",
            'summary = "A plugin of a test."',
            f"needs = {list(needs)}",
            f"message_content = {str(content).lower()}",
            *([f"permissions = {list(permissions)}"] if permissions else []),
        ]
        (folder / "wompbot.toml").write_text("\n".join(lines))

    def uninstall(self, package: str) -> None:
        """Remove what was installed."""
        shutil.rmtree(self.folder / f"{package}-1.dist-info", ignore_errors=True)
        shutil.rmtree(self.folder.joinpath(*package.split(".")), ignore_errors=True)
        for file in self.folder.glob(f"{package}.*"):
            file.unlink()

    def _metadata(self, name: str, entry: str) -> None:
        info = self.folder / f"{name}-1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[wompbot.cogs]\n{entry}\n")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PluginSite]:
    """An empty folder of plugins on the import path."""
    folder = tmp_path / "site"
    folder.mkdir()
    sys.path.insert(0, str(folder))
    site = PluginSite(folder)
    yield site
    sys.path.remove(str(folder))
    for package in site.packages:
        forget(package)
