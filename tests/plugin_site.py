"""A folder of installed plugins, as pip would leave it."""

from __future__ import annotations

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
        self.manifest(folder, plugin, version=version, needs=needs)
        info = self.folder / f"{package}-1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[wompbot.cogs]\n{plugin} = {entry or package + ':plugin'}\n")
        return folder

    def manifest(
        self, folder: Path, plugin: str, *, version: str = "1", api: int = 1, needs: Iterable[str] = ()
    ) -> None:
        """Write a manifest."""
        lines = [
            "[plugin]",
            f'id = "{plugin}"',
            f'version = "{version}"',
            f"api = {api}",
            'summary = "A plugin of a test."',
            f"needs = {list(needs)}",
        ]
        (folder / "wompbot.toml").write_text("\n".join(lines))


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
