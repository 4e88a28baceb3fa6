"""Writing the project of a new plugin."""

from __future__ import annotations

import keyword
import re
import shutil
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from wompbot_cogs.host import discover
from wompbot_cogs.manifest import API_LEVEL
from wompcore.errors import ConfigInvalid

_ID = re.compile(r"[a-z][a-z0-9_]{0,27}")  # with _cog a package's name of at most 32 characters
_TAKEN = frozenset({"help"})
"""Commands of the bot itself: the new plugin's command is called as the plugin is."""


def write_project(plugin: str, into: Path) -> Path:
    """Write a project to start from: it can be installed, and passes its tests, lint and type check.

    Args:
        plugin: The plugin's id.
        into: An existing folder; the project becomes a folder in it.

    Returns:
        The project's folder.

    Raises:
        ConfigInvalid: That is no id, it is taken, or the project cannot be written there.
    """
    _check_id(plugin)
    package = f"{plugin}_cog"
    title = plugin.replace("_", " ").strip().title()
    names = {
        "id": plugin,
        "api": str(API_LEVEL),
        "package": package,
        "distribution": re.sub(r"_+", "-", package),
        "title": title,
        "cog": f"{title.replace(' ', '')}Cog",
    }
    folder = into / package
    if not into.is_dir():
        raise ConfigInvalid("--into", f"{into} is no folder")
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise ConfigInvalid("--into", f"{folder} exists", hint="Take another name or place.") from error
    except OSError as error:
        raise ConfigInvalid("--into", f"{folder}: {(error.strerror or str(error)).lower()}") from error
    try:
        _copy(files("wompbot_cogs.authoring") / "template", folder, names)
    except BaseException:
        shutil.rmtree(folder)  # it was not there before, and half a project helps nobody
        raise
    return folder.resolve()


def _check_id(plugin: str) -> None:
    problem = hint = ""
    if not _ID.fullmatch(plugin) or plugin.endswith("_"):
        problem = "is no plugin's id"
        hint = "It begins with a lower-case letter; up to 27 letters, digits and _ follow; such as `weather`."
    elif keyword.iskeyword(plugin) or keyword.issoftkeyword(plugin):
        problem, hint = "is a word of Python", "Take another."
    elif plugin in _TAKEN or plugin in discover():
        problem, hint = "is taken", "`wompbot plugins list` shows the ids."
    if problem:
        raise ConfigInvalid("NAME", f"{plugin[:40]!r} {problem}", hint=hint)


def _copy(source: Traversable, target: Path, names: dict[str, str]) -> None:
    for item in source.iterdir():
        name = item.name.removesuffix(".in")
        name = f".{name}" if name == "gitignore" else name.replace("package", names["package"])
        if item.is_dir():
            (target / name).mkdir()
            _copy(item, target / name, names)
        elif item.name.endswith(".in"):
            text = Template(item.read_text(encoding="utf-8")).substitute(names)
            (target / name).write_text(text, encoding="utf-8")
